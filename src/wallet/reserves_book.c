#include "wallet/reserves_book.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/reserve.h"

enum status reserves_book_new(size_t size_max, struct reserves_book *out_book,
                              struct error *out_error)
{
    *out_book = (struct reserves_book){ .size_max = size_max };
    if (size_max < sizeof(struct reserves_book_head)) {
        out_book->size_max = sizeof(struct reserves_book_head);
    }
    out_book->memory = reserve_new(out_book->size_max);
    if (out_book->memory != NULL) return STATUS_OK;
    out_book->size_max = 0;
    return error_set(out_error, STATUS_LIMIT, "no memory for the balances");
}

static size_t nodes_size(const struct sum_tree *tree)
{
    return (sizeof(struct sum_node) * 2) << tree->options.height;
}

static size_t order_size(const struct sum_tree *tree)
{
    return sizeof(uint32_t) << tree->options.height;
}

static void tree_free(struct sum_tree *tree)
{
    reserve_free(tree->nodes, nodes_size(tree));
    reserve_free(tree->order, order_size(tree));
    *tree = (struct sum_tree){ 0 };
}

void reserves_book_close(struct reserves_book *book)
{
    tree_free(&book->tree);
    secret_done(&book->key);
    if (book->memory != NULL) secret_wipe(book->memory, book->size);
    reserve_free(book->memory, book->size_max);
    *book = (struct reserves_book){ 0 };
}

size_t reserves_book_size(uint64_t count)
{
    return sizeof(struct reserves_book_head) + count * sizeof(struct sum_liability);
}

/* Of a tree of so many balances; above SUM_HEIGHT_MAX when there is none. */
static uint32_t height_of(uint64_t count, uint32_t shares)
{
    uint32_t height = sum_tree_height(count, shares, RESERVES_PADDING_SHARE);
    return height < RESERVES_HEIGHT_MIN ? RESERVES_HEIGHT_MIN : height;
}

/* ---- Making ---- */

static int account_order(const void *left, const void *right)
{
    const struct sum_liability *a = left;
    const struct sum_liability *b = right;
    return uuid_compare(a->account.value, b->account.value);
}

/* False: what customers owe us passes 128 bits. */
static bool standing_take(const struct reserves_standing *standing, struct sum_liability *list,
                          uint64_t *count, struct reserves_statement *statement)
{
    struct money owed = MONEY_ZERO;
    const struct balance *balance = &standing->balance;
    if (money_subtract(balance->credits_posted, balance->debits_posted, &owed)) {
        list[(*count)++] = (struct sum_liability){ standing->id, owed };
        return true;
    }
    bool owes = money_subtract(balance->debits_posted, balance->credits_posted, &owed);
    CHECK(owes);
    statement->overdrawn_count++;
    return money_add(statement->overdrawn, owed, &statement->overdrawn);
}

enum status reserves_book_fill(struct reserves_book *book, const struct reserves_reading *reading,
                               const struct reserves_book_options *options,
                               struct reserves_statement *statement, struct error *out_error)
{
    CHECK(options->shares > 0 && options->shares <= SUM_SHARES_MAX);
    CHECK(book->size_max >= reserves_book_size(reading->count));
    struct reserves_book_head *head = (struct reserves_book_head *)book->memory;
    struct sum_liability *list = (struct sum_liability *)(head + 1);
    uint64_t count = 0;
    statement->asset = reading->asset;
    statement->at = reading->at;
    statement->index = reading->index;
    statement->overdrawn_count = 0;
    statement->overdrawn = MONEY_ZERO;
    for (uint64_t i = 0; i < reading->count; i++) {
        const struct reserves_standing *standing = &reading->standings[i];
        if (standing->kind != ACCOUNT_LIABILITY) continue;
        if (uuid_equal(standing->id.value, options->suspense.value)) continue;
        if (standing_take(standing, list, &count, statement)) continue;
        return error_set(out_error, STATUS_LIMIT, "what customers owe passes 128 bits");
    }
    uint32_t height = height_of(count, options->shares);
    if (height > SUM_HEIGHT_MAX) {
        return error_set(out_error, STATUS_LIMIT,
                         "%llu customers with %u shares each are too many for a tree",
                         (unsigned long long)count, options->shares);
    }
    qsort(list, count, sizeof list[0], account_order);
    *head = (struct reserves_book_head){
        .magic = RESERVES_BOOK_MAGIC,
        .version = RESERVES_BOOK_VERSION,
        .shares = options->shares,
        .height = height,
        .count = count,
    };
    memcpy(head->key, options->key, sizeof head->key);
    book->size = reserves_book_size(count);
    return STATUS_OK;
}

/* ---- Using ---- */

static enum status not_a_book(struct error *out_error, const char *why)
{
    enum status status =
        error_set(out_error, STATUS_INVALID, "this is not the private part of a snapshot");
    error_detail(out_error, "%s", why);
    return status;
}

static const char *head_fault(const struct reserves_book *book)
{
    const struct reserves_book_head *head = reserves_book_head(book);
    static const uint8_t zero[sizeof head->reserved] = { 0 };
    if (book->size < sizeof *head) return "it is too short";
    if (head->magic != RESERVES_BOOK_MAGIC) return "it does not begin with TPWR";
    if (head->version != RESERVES_BOOK_VERSION) return "it is of another version";
    if (head->shares == 0 || head->shares > SUM_SHARES_MAX) return "it has no number of shares";
    if (memcmp(head->reserved, zero, sizeof zero) != 0) return "its head is damaged";
    /* Also so that a small file cannot have a large tree made. */
    if (head->height > SUM_HEIGHT_MAX || head->height != height_of(head->count, head->shares)) {
        return "its tree is not as high as so many balances make it";
    }
    if (book->size != reserves_book_size(head->count)) return "it is cut short, or too long";
    return NULL;
}

static const char *order_fault(const struct reserves_book *book)
{
    const struct sum_liability *list = reserves_book_liabilities(book);
    struct uuid before = { 0 };
    for (uint64_t i = 0; i < reserves_book_head(book)->count; i++) {
        struct uuid id = list[i].account.value;
        if (uuid_compare(before, id) >= 0) return "an account is there twice, or out of order";
        before = id;
    }
    return NULL;
}

enum status reserves_book_open(struct reserves_book *book, struct error *out_error)
{
    const char *fault = head_fault(book);
    if (fault == NULL) fault = order_fault(book);
    if (fault != NULL) return not_a_book(out_error, fault);
    uint8_t key[SUM_KEY_SIZE];
    memcpy(key, reserves_book_head(book)->key, sizeof key);
    return secret_take(key, sizeof key, &book->key);
}

enum status reserves_book_build(struct reserves_book *book, struct error *out_error)
{
    const struct reserves_book_head *head = reserves_book_head(book);
    struct sum_tree *tree = &book->tree;
    CHECK(book->key.size == SUM_KEY_SIZE && tree->nodes == NULL);
    tree->options = (struct sum_options){ head->height, head->shares, &book->key };
    tree->nodes = reserve_new(nodes_size(tree));
    tree->order = reserve_new(order_size(tree));
    if (tree->nodes == NULL || tree->order == NULL) {
        return error_set(out_error, STATUS_LIMIT, "no memory for the sum tree");
    }
    enum status status = sum_tree_build(tree, reserves_book_liabilities(book), head->count);
    if (status == STATUS_OK) return status;
    return error_set(out_error, status, "the total of what customers are owed passes 128 bits");
}

enum status reserves_book_compare(const struct reserves_book *book,
                                  const struct reserves_statement *statement,
                                  struct error *out_error)
{
    CHECK(book->tree.nodes != NULL);
    const struct sum_head head = sum_tree_head(&book->tree);
    struct digest key = reserves_key_digest(&book->key);
    const char *what = NULL;
    if (!digest_equal(&key, &statement->key)) {
        what = "its key is not the one that the statement commits to";
    } else if (head.height != statement->tree.height) {
        what = "its tree has another height";
    } else if (!money_equal(head.root.sum, statement->tree.root.sum)) {
        what = "its balances come to another total";
    } else if (!digest_equal(&head.root.hash, &statement->tree.root.hash)) {
        what = "its balances give another root";
    }
    if (what == NULL) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_INVALID, "the private part is not that of this snapshot");
    error_detail(out_error, "%s", what);
    return status;
}

bool reserves_book_find(const struct reserves_book *book, struct account_id account,
                        uint64_t *out_index)
{
    const struct sum_liability *list = reserves_book_liabilities(book);
    const struct sum_liability wanted = { .account = account };
    const struct sum_liability *found =
        bsearch(&wanted, list, reserves_book_head(book)->count, sizeof wanted, account_order);
    if (found == NULL) return false;
    *out_index = (uint64_t)(found - list);
    return true;
}
