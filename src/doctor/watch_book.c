#include "doctor/watch_book.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "ledger/effect.h"
#include "model/admin.h"

static const char *const codes[] = {
#define WATCH_FAULT_CODE(name, code, text) [WATCH_FAULT_##name] = code,
    WATCH_FAULT_TABLE(WATCH_FAULT_CODE)
#undef WATCH_FAULT_CODE
};

static const char *const texts[] = {
#define WATCH_FAULT_TEXT(name, code, text) [WATCH_FAULT_##name] = text,
    WATCH_FAULT_TABLE(WATCH_FAULT_TEXT)
#undef WATCH_FAULT_TEXT
};

const char *watch_fault_code(enum watch_fault fault)
{
    CHECK(fault < WATCH_FAULT_COUNT);
    return codes[fault];
}

const char *watch_fault_text(enum watch_fault fault)
{
    CHECK(fault < WATCH_FAULT_COUNT);
    return texts[fault];
}

/* ---- life ---- */

static uint64_t map_size(uint64_t entries)
{
    uint64_t slots = 2;
    while (slots < 2 * entries) slots *= 2;
    return slots * sizeof(struct id_map_slot);
}

uint64_t watch_book_size_max(const struct watch_options *options)
{
    uint64_t accounts = options->accounts_max;
    uint64_t holds = options->holds_max;
    uint64_t references = options->references_max;
    return accounts * (sizeof(struct watch_account) + sizeof(uint32_t)) + map_size(accounts) +
           holds * sizeof(struct watch_hold) + map_size(holds) +
           references * sizeof(struct watch_reference) + map_size(references) +
           ASSETS_CUSTOM_MAX * sizeof(struct asset) + sizeof(struct watch_book);
}

enum status watch_book_init(struct watch_book *book, const struct watch_options *options)
{
    CHECK(options->accounts_max > 0 && options->holds_max > 0 && options->references_max > 0);
    memset(book, 0, sizeof *book);
    book->options = *options;
    book->accounts = reserve_new(options->accounts_max * sizeof *book->accounts);
    book->moved = reserve_new(options->accounts_max * sizeof *book->moved);
    book->holds = reserve_new(options->holds_max * sizeof *book->holds);
    book->references = reserve_new(options->references_max * sizeof *book->references);
    book->assets = reserve_new(ASSETS_CUSTOM_MAX * sizeof *book->assets);
    bool there = book->accounts != NULL && book->moved != NULL && book->holds != NULL &&
                 book->references != NULL && book->assets != NULL;
    enum status status = there ? STATUS_OK : STATUS_LIMIT;
    if (status == STATUS_OK)
        status = id_map_init(&book->account_map, book->accounts, sizeof *book->accounts,
                             options->accounts_max, options->seed);
    if (status == STATUS_OK)
        status = id_map_init(&book->hold_map, book->holds, sizeof *book->holds, options->holds_max,
                             options->seed);
    if (status == STATUS_OK)
        status = id_map_init(&book->reference_map, book->references, sizeof *book->references,
                             options->references_max, options->seed);
    if (status != STATUS_OK) watch_book_done(book);
    return status;
}

void watch_book_done(struct watch_book *book)
{
    const struct watch_options *options = &book->options;
    id_map_free(&book->account_map);
    id_map_free(&book->hold_map);
    id_map_free(&book->reference_map);
    reserve_free(book->accounts, options->accounts_max * sizeof *book->accounts);
    reserve_free(book->moved, options->accounts_max * sizeof *book->moved);
    reserve_free(book->holds, options->holds_max * sizeof *book->holds);
    reserve_free(book->references, options->references_max * sizeof *book->references);
    reserve_free(book->assets, ASSETS_CUSTOM_MAX * sizeof *book->assets);
    memset(book, 0, sizeof *book);
}

/* ---- findings ---- */

void watch_book_find(struct watch_book *book, const struct watch_finding *finding)
{
    book->found++;
    if (book->finding_count == WATCH_FINDINGS_MAX) return;
    book->findings[book->finding_count++] = *finding;
}

/* Where a record stands, for what is found in it. */
struct place {
    struct watch_book *book;
    struct position position;
    struct locator locator;
};

static void find_plain(const struct place *at, enum watch_fault fault, struct uuid subject)
{
    const struct watch_finding finding = { .fault = fault,
                                           .position = at->position,
                                           .subject = subject };
    watch_book_find(at->book, &finding);
}

/* ---- balances ---- */

/* What one transfer adds to a side: posted, pending, and what it takes off pending. */
struct movement {
    struct money posted;
    struct money reserved;
    struct money freed;
};

static struct movement movement_of(struct transfer_view view)
{
    struct movement movement = { 0 };
    uint8_t kind = view.record->head.kind;
    bool posts = kind == TRANSFER_DIRECT || kind == TRANSFER_REVERSAL || kind == TRANSFER_POST;
    if (posts) movement.posted = view.record->amount;
    if (transfer_kind_holds(kind)) movement.reserved = view.record->amount;
    bool ends = kind == TRANSFER_POST || kind == TRANSFER_VOID || kind == TRANSFER_EXPIRE;
    if (ends && view.more != NULL) movement.freed = view.more->released;
    return movement;
}

static bool side_move(const struct movement *movement, struct money *posted, struct money *pending)
{
    struct money more_posted = *posted;
    struct money more_pending = *pending;
    bool fits = money_add(more_posted, movement->posted, &more_posted) &&
                money_add(more_pending, movement->reserved, &more_pending) &&
                money_subtract(more_pending, movement->freed, &more_pending);
    if (!fits) return false;
    *posted = more_posted;
    *pending = more_pending;
    return true;
}

static bool balance_move(const struct movement *movement, bool debit, struct balance *balance)
{
    if (debit) return side_move(movement, &balance->debits_posted, &balance->debits_pending);
    return side_move(movement, &balance->credits_posted, &balance->credits_pending);
}

static struct watch_totals *totals_of(struct watch_book *book, uint32_t asset)
{
    for (uint32_t i = 0; i < book->totals_count; i++) {
        if (book->totals[i].asset == asset) return &book->totals[i];
    }
    if (book->totals_count == WATCH_ASSETS_MAX) return NULL;
    struct watch_totals *totals = &book->totals[book->totals_count++];
    *totals = (struct watch_totals){ .asset = asset };
    return totals;
}

static void bound_check(const struct place *at, const struct watch_account *account)
{
    const struct balance *balance = &account->balance;
    struct money debits = MONEY_ZERO;
    struct money credits = MONEY_ZERO;
    if (!money_add(balance->debits_posted, balance->debits_pending, &debits) ||
        !money_add(balance->credits_posted, balance->credits_pending, &credits)) {
        find_plain(at, WATCH_FAULT_BALANCE_IMPOSSIBLE, account->id);
        return;
    }
    struct watch_finding finding = { .fault = WATCH_FAULT_BOUND,
                                     .position = at->position,
                                     .subject = account->id,
                                     .asset = account->asset };
    if ((account->flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0) {
        finding.expected = balance->credits_posted;
        finding.found = debits;
    } else if ((account->flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0) {
        finding.expected = balance->debits_posted;
        finding.found = credits;
    }
    if (finding.found.minor > finding.expected.minor) watch_book_find(at->book, &finding);
}

void watch_book_moved_again(struct watch_book *book, uint32_t number)
{
    struct watch_account *account = &book->accounts[number];
    if (account->queued) return;
    account->queued = true;
    uint32_t place = (book->moved_first + book->moved_count) % book->options.accounts_max;
    book->moved[place] = number;
    book->moved_count++;
}

bool watch_book_moved(struct watch_book *book, uint32_t *out_number)
{
    if (book->moved_count == 0) return false;
    *out_number = book->moved[book->moved_first];
    book->moved_first = (book->moved_first + 1) % book->options.accounts_max;
    book->moved_count--;
    book->accounts[*out_number].queued = false;
    return true;
}

static void side_take(const struct place *at, struct transfer_view view, bool debit)
{
    struct watch_book *book = at->book;
    struct uuid id = debit ? view.record->debit.value : view.record->credit.value;
    uint32_t number = id_map_find(&book->account_map, id);
    if (number == ID_MAP_NONE) {
        if (book->account_count < book->options.accounts_max)
            find_plain(at, WATCH_FAULT_ACCOUNT_UNKNOWN, id);
        else
            book->missed++;
        return;
    }
    struct watch_account *account = &book->accounts[number];
    struct locator before = debit ? view.record->previous_debit : view.record->previous_credit;
    if (before.packed != account->last_entry.packed) find_plain(at, WATCH_FAULT_ENTRY_CHAIN, id);
    if (account->asset != view.record->asset) find_plain(at, WATCH_FAULT_ASSET_DIFFERS, id);
    struct movement movement = movement_of(view);
    if (!balance_move(&movement, debit, &account->balance))
        find_plain(at, WATCH_FAULT_BALANCE_IMPOSSIBLE, id);
    struct watch_totals *totals = totals_of(book, account->asset);
    if (totals == NULL || !balance_move(&movement, debit, &totals->balance)) book->missed++;
    account->last_entry = at->locator;
    account->moved_batch = at->position.batch;
    bound_check(at, account);
    watch_book_moved_again(book, number);
}

/* ---- holds ---- */

static void hold_take(const struct place *at, const struct record_transfer *record)
{
    struct watch_book *book = at->book;
    uint32_t place = book->hold_free - 1;
    if (book->hold_free != 0) {
        book->hold_free = book->holds[place].next_free;
    } else if (book->hold_count < book->options.holds_max) {
        place = book->hold_count++;
    } else {
        book->missed++;
        return;
    }
    book->holds[place] = (struct watch_hold){ .id = record->id.value, .amount = record->amount };
    id_map_insert(&book->hold_map, place);
}

static void hold_end_take(const struct place *at, struct transfer_view view)
{
    struct watch_book *book = at->book;
    struct uuid id = view.more->target.value;
    uint32_t place = id_map_find(&book->hold_map, id);
    if (place == ID_MAP_NONE) {
        if (book->missed == 0) find_plain(at, WATCH_FAULT_HOLD_UNKNOWN, id);
        return;
    }
    struct watch_hold *hold = &book->holds[place];
    bool posts = view.record->head.kind == TRANSFER_POST;
    struct money captured = posts ? view.record->amount : MONEY_ZERO;
    struct money let_go = MONEY_ZERO;
    struct money used = MONEY_ZERO;
    bool fits = money_subtract(view.more->released, captured, &let_go) &&
                money_add(hold->captured, captured, &hold->captured) &&
                money_add(hold->released, let_go, &hold->released) &&
                money_add(hold->captured, hold->released, &used) &&
                used.minor <= hold->amount.minor;
    bool closes = (view.record->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
    if (!fits || closes != (used.minor == hold->amount.minor)) {
        const struct watch_finding finding = { .fault = WATCH_FAULT_HOLD_AMOUNT,
                                               .position = at->position,
                                               .subject = id,
                                               .asset = view.record->asset,
                                               .expected = hold->amount,
                                               .found = used };
        watch_book_find(book, &finding);
    }
    if (!closes) return;
    id_map_remove(&book->hold_map, place);
    hold->next_free = book->hold_free;
    book->hold_free = place + 1;
}

static void transfer_take(const struct place *at, const struct record_transfer *record)
{
    if (record->head.outcome != OUTCOME_OK) return;
    struct transfer_view view = transfer_view_of(record);
    at->book->transfers++;
    side_take(at, view, true);
    side_take(at, view, false);
    if (transfer_kind_holds(record->head.kind)) hold_take(at, record);
    bool ends = record->head.kind == TRANSFER_POST || record->head.kind == TRANSFER_VOID ||
                record->head.kind == TRANSFER_EXPIRE;
    if (ends && view.more != NULL) hold_end_take(at, view);
}

/* ---- payments ---- */

static struct uuid reference_digest(const struct payment *payment)
{
    struct {
        char psp[PSP_NAME_SIZE];
        char object[PSP_TOKEN_SIZE];
        struct money amount;
        uint32_t asset;
        uint32_t kind;
    } key;
    memset(&key, 0, sizeof key);
    memcpy(key.psp, payment->psp, strnlen(payment->psp, PSP_NAME_SIZE));
    memcpy(key.object, payment->psp_object, strnlen(payment->psp_object, PSP_TOKEN_SIZE));
    key.amount = payment->amount;
    key.asset = payment->asset;
    key.kind = payment->kind;
    struct digest digest = digest_of(&key, sizeof key);
    struct uuid half;
    memcpy(&half, digest.bytes, sizeof half);
    return half;
}

/* Only what has a reference of its own: a refund's is that of its charge. */
static void reference_take(const struct place *at, const struct payment *payment)
{
    bool own = payment->kind == PAYMENT_PAY_IN || payment->kind == PAYMENT_PAY_OUT;
    if (!own || payment->psp_object[0] == '\0') return;
    struct watch_book *book = at->book;
    struct watch_reference reference = { reference_digest(payment), payment->id.value };
    uint32_t known = id_map_find(&book->reference_map, reference.digest);
    if (known != ID_MAP_NONE) {
        struct watch_reference *first = &book->references[known];
        if (uuid_equal(first->payment, reference.payment)) return;
        find_plain(at, WATCH_FAULT_REFERENCE_TWICE, reference.payment);
        first->payment = reference.payment; /* so that the later one is told once */
        return;
    }
    uint32_t place = book->reference_next;
    if (book->reference_count == book->options.references_max)
        id_map_remove(&book->reference_map, place);
    else
        book->reference_count++;
    book->references[place] = reference;
    id_map_insert(&book->reference_map, place);
    book->reference_next = (place + 1) % book->options.references_max;
}

static void payment_take(const struct place *at, const struct record_payment *record)
{
    if (record->head.outcome != PAYMENT_OUTCOME_OK) return;
    const struct payment *payment = &record->payment;
    struct money back = MONEY_ZERO;
    bool fits = money_add(payment->refunded, payment->refund_pending, &back);
    if (!fits || back.minor > payment->captured.minor) {
        const struct watch_finding finding = { .fault = WATCH_FAULT_REFUND_OVER_CAPTURE,
                                               .position = at->position,
                                               .subject = payment->id.value,
                                               .asset = payment->asset,
                                               .expected = payment->captured,
                                               .found = back };
        watch_book_find(at->book, &finding);
    }
    reference_take(at, payment);
}

/* ---- the rest ---- */

static void account_take(const struct place *at, const struct record_account *record)
{
    struct watch_book *book = at->book;
    if (record->head.outcome != ACCOUNT_OUTCOME_OK) return;
    if (id_map_find(&book->account_map, record->account.id.value) != ID_MAP_NONE) return;
    if (book->account_count == book->options.accounts_max) {
        book->missed++;
        return;
    }
    uint32_t number = book->account_count++;
    book->accounts[number] = (struct watch_account){
        .id = record->account.id.value,
        .asset = record->account.asset,
        .flags = record->account.flags,
        .moved_batch = at->position.batch,
    };
    id_map_insert(&book->account_map, number);
    watch_book_moved_again(book, number);
}

static void asset_take(struct watch_book *book, const struct record_asset *record)
{
    bool known = record->head.outcome == 0 && record->id >= ASSET_CUSTOM_FIRST &&
                 record->id - ASSET_CUSTOM_FIRST < ASSETS_CUSTOM_MAX;
    if (!known) return;
    struct asset *asset = &book->assets[record->id - ASSET_CUSTOM_FIRST];
    *asset = (struct asset){ .id = record->id, .exponent = record->exponent };
    memcpy(asset->code, record->code, ASSET_CODE_LEN_MAX);
}

void watch_book_take(struct watch_book *book, uint64_t batch, struct locator locator,
                     const struct record_head *record)
{
    const struct place at = { book, { batch, record->unit }, locator };
    if (record->type == RECORD_ACCOUNT) account_take(&at, (const void *)record);
    if (record->type == RECORD_TRANSFER) transfer_take(&at, (const void *)record);
    if (record->type == RECORD_PAYMENT) payment_take(&at, (const void *)record);
    if (record->type == RECORD_ASSET) asset_take(book, (const void *)record);
}

void watch_book_batch_end(struct watch_book *book, uint64_t batch)
{
    for (uint32_t i = 0; i < book->totals_count; i++) {
        const struct watch_totals *totals = &book->totals[i];
        struct watch_finding finding = { .fault = WATCH_FAULT_TOTALS,
                                         .position = { batch, POSITION_INDEX_END },
                                         .asset = totals->asset,
                                         .expected = totals->balance.debits_posted,
                                         .found = totals->balance.credits_posted };
        if (money_equal(finding.expected, finding.found)) {
            finding.expected = totals->balance.debits_pending;
            finding.found = totals->balance.credits_pending;
        }
        bool differ = !money_equal(finding.expected, finding.found);
        /* accounts without room are in no sum */
        if (differ && book->missed == 0 && book->found == 0) watch_book_find(book, &finding);
    }
}

/* ---- against the server ---- */

static bool balance_differs(const struct balance *ours, const struct balance *theirs,
                            struct watch_finding *finding)
{
    const struct money pairs[][2] = {
        { ours->debits_posted, theirs->debits_posted },
        { ours->credits_posted, theirs->credits_posted },
        { ours->debits_pending, theirs->debits_pending },
        { ours->credits_pending, theirs->credits_pending },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (money_equal(pairs[i][0], pairs[i][1])) continue;
        finding->expected = pairs[i][0];
        finding->found = pairs[i][1];
        return true;
    }
    return false;
}

void watch_book_compare(struct watch_book *book, uint32_t number, uint64_t batch,
                        const struct balance *server)
{
    CHECK(number < book->account_count);
    const struct watch_account *account = &book->accounts[number];
    struct watch_finding finding = { .fault = WATCH_FAULT_SERVER_BALANCE,
                                     .position = { batch, POSITION_INDEX_END },
                                     .subject = account->id,
                                     .asset = account->asset };
    if (balance_differs(&account->balance, server, &finding)) watch_book_find(book, &finding);
}

void watch_book_compare_totals(struct watch_book *book, const struct asset *asset, uint64_t batch,
                               const struct balance *server)
{
    if (book->missed > 0) return; /* the sums here are not of all */
    struct watch_finding finding = { .fault = WATCH_FAULT_SERVER_TOTALS,
                                     .position = { batch, POSITION_INDEX_END },
                                     .asset = asset->id };
    const struct watch_totals *totals = totals_of(book, asset->id);
    bool differ = totals != NULL && balance_differs(&totals->balance, server, &finding);
    if (differ) watch_book_find(book, &finding);
}

const struct asset *watch_book_asset(const struct watch_book *book, uint32_t id)
{
    const struct asset *iso = asset_iso_by_id(id);
    if (iso != NULL || id < ASSET_CUSTOM_FIRST) return iso;
    uint32_t place = id - ASSET_CUSTOM_FIRST;
    if (place >= ASSETS_CUSTOM_MAX || book->assets[place].id == 0) return NULL;
    return &book->assets[place];
}

const struct asset *watch_book_asset_by_code(const struct watch_book *book, struct str code)
{
    const struct asset *iso = asset_iso_by_code(code);
    for (uint32_t i = 0; iso == NULL && i < ASSETS_CUSTOM_MAX && book->assets[i].id != 0; i++) {
        if (str_equal(str_from(book->assets[i].code), code)) return &book->assets[i];
    }
    return iso;
}
