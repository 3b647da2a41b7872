#include "doctor/wal_books.h"

#include "base/check.h"
#include "base/reserve.h"
#include "crypto/digest.h"

struct wal_account {
    struct uuid id; /* of name and currency; first, as id_map wants it */
    uint32_t name_at;
    uint16_t name_len;
    char ccy[ASSET_CODE_LEN_MAX + 1];
    bool known;   /* opening and amount are */
    bool deleted; /* there is no such row any more */
    struct signed_amount opening;
    struct signed_amount amount;
};

enum status wal_books_init(struct wal_books *books, struct buf *out, struct mask_counts *masked)
{
    *books = (struct wal_books){ .out = out, .masked = masked };
    buf_init(&books->texts, WAL_ACCOUNT_TEXTS_MAX);
    books->accounts = reserve_new(sizeof(struct wal_account) * WAL_ACCOUNTS_MAX);
    if (books->accounts == NULL) return STATUS_LIMIT;
    return id_map_init(&books->map, books->accounts, sizeof(struct wal_account), WAL_ACCOUNTS_MAX,
                       1);
}

void wal_books_done(struct wal_books *books)
{
    id_map_free(&books->map);
    reserve_free(books->accounts, sizeof(struct wal_account) * WAL_ACCOUNTS_MAX);
    buf_free(&books->texts);
}

/* ---- postings ---- */

static void shared_fields(struct evidence_line *line, const struct wal_facts *facts,
                          const struct wal_moment *moment)
{
    evidence_time(line, "ts", moment->at);
    evidence_int(line, "xid", moment->xid);
    evidence_text(line, "tx", facts->fields[WAL_FIELD_TX]);
    evidence_text(line, "idem", facts->fields[WAL_FIELD_IDEM]);
    evidence_text(line, "psp_ref", facts->fields[WAL_FIELD_PSP_REF]);
    evidence_text(line, "event", facts->fields[WAL_FIELD_EVENT]);
    evidence_text(line, "account", facts->fields[WAL_FIELD_ACCOUNT]);
    evidence_text(line, "ccy", facts->ccy);
    if (facts->has_after_amount) evidence_amount(line, "amount", facts->after_amount);
}

static void insert_write(struct wal_books *books, const char *kind, const struct wal_facts *facts,
                         const struct wal_moment *moment)
{
    struct evidence_line line;
    if (facts->fields[WAL_FIELD_TX].len == 0) {
        books->unknown++; /* whose it is nobody says */
        return;
    }
    evidence_begin(&line, books->out, kind, books->masked);
    shared_fields(&line, facts, moment);
    evidence_end(&line);
    books->rows++;
}

/* ---- balances ---- */

static struct uuid account_id(const struct wal_facts *facts)
{
    struct digest_stream stream;
    struct str name = facts->fields[WAL_FIELD_ACCOUNT];
    struct uuid id;
    digest_stream_init(&stream);
    digest_stream_add(&stream, facts->ccy.data, facts->ccy.len);
    digest_stream_add(&stream, "", 1); /* a code has no zero byte: where it ends is certain */
    digest_stream_add(&stream, name.data, name.len);
    struct digest digest = digest_stream_end(&stream);
    memcpy(&id, digest.bytes, sizeof id);
    return id;
}

/* The account's entry, made when it is new; NULL: there is no room. */
static struct wal_account *account_of(struct wal_books *books, const struct wal_facts *facts,
                                      bool *out_fresh)
{
    struct str name = facts->fields[WAL_FIELD_ACCOUNT];
    struct uuid id = account_id(facts);
    uint32_t at = id_map_find(&books->map, id);
    *out_fresh = at == ID_MAP_NONE;
    if (at != ID_MAP_NONE) return &books->accounts[at];
    bool fits = books->account_count < WAL_ACCOUNTS_MAX && name.len <= UINT16_MAX &&
                facts->ccy.len <= ASSET_CODE_LEN_MAX;
    size_t name_at = books->texts.len;
    if (fits) buf_append_str(&books->texts, name);
    if (!fits || books->texts.overflow) return NULL;
    struct wal_account *account = &books->accounts[books->account_count];
    *account =
        (struct wal_account){ id,   (uint32_t)name_at, (uint16_t)name.len, "", true, false, { 0 },
                              { 0 } };
    memcpy(account->ccy, facts->ccy.data, facts->ccy.len);
    id_map_insert(&books->map, books->account_count++);
    return account;
}

static void balance_take(struct wal_books *books, const struct wal_row *row,
                         const struct wal_facts *facts)
{
    bool fresh;
    struct wal_account *account = account_of(books, facts, &fresh);
    if (account == NULL) {
        books->unknown++;
        return;
    }
    if (fresh) {
        account->known = row->op == WAL_INSERT ? facts->has_after_amount : facts->has_before_amount;
        account->opening = row->op == WAL_INSERT ? facts->after_amount : facts->before_amount;
        if (!account->known) books->unknown++;
    }
    account->deleted = row->op == WAL_DELETE;
    if (facts->has_after_amount) account->amount = facts->after_amount;
}

void wal_books_row(struct wal_books *books, const struct wal_row *row,
                   const struct wal_facts *facts, const struct wal_moment *moment)
{
    struct str record = row->binding->table->record;
    bool inserted = row->op == WAL_INSERT;
    if (str_equal(record, STR("account")))
        balance_take(books, row, facts);
    else if (inserted && str_equal(record, STR("posting")))
        insert_write(books, "posting", facts, moment);
    else if (inserted && str_equal(record, STR("ledger_tx")))
        insert_write(books, "ledger_tx", facts, moment);
}

void wal_books_account(struct wal_books *books, uint32_t index)
{
    CHECK(index < books->account_count);
    const struct wal_account *account = &books->accounts[index];
    struct evidence_line line;
    if (!account->known || account->deleted) return;
    evidence_begin(&line, books->out, "account", books->masked);
    evidence_text(
        &line, "account",
        (struct str){ (const char *)books->texts.data + account->name_at, account->name_len });
    evidence_text(&line, "ccy", str_from(account->ccy));
    evidence_amount(&line, "opening", account->opening);
    evidence_amount(&line, "amount", account->amount);
    evidence_end(&line);
    books->rows++;
}
