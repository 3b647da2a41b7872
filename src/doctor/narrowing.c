#include "doctor/narrowing.h"

#include "base/check.h"
#include "base/delta.h"
#include "base/hash.h"
#include "base/reserve.h"

/* Places of common fields, as in evidence_common. */
enum { TX = 3, PSP_REF = 5, ACCOUNT = 7, AMOUNT = 9, CCY = 10, VER = 11, STATE = 12 };

enum {
    BOOKS_FIRST = 1 << 12,
    BUCKETS = 1 << NARROWING_BUCKET_BITS,
    BUCKET_SHIFT = 32 - NARROWING_BUCKET_BITS,
};
#define AMOUNT_PLAIN (INT64_C(1) << 48) /* 2^15 of them stay far from 2^64 */

struct narrowing_book {
    uint64_t key;
    uint32_t hash;
    uint32_t rows; /* of accounts */
    int128 drift;  /* postings and opening less the balance */
    int64_t first; /* version */
    int64_t last;
    uint64_t chain; /* 0 when the versions are first to last, each once */
    bool versions;
    bool odd;
};

static const char *const names[] = {
#define NARROWING_NAME(name, text) text,
    NARROWING_TABLE(NARROWING_NAME)
#undef NARROWING_NAME
};

enum narrowing narrowing_find(struct str name)
{
    for (int i = 1; i < NARROWING_COUNT; i++) {
        if (str_equal(name, str_from(names[i]))) return (enum narrowing)i;
    }
    return NARROWING_COUNT;
}

/* ---- what a record adds ---- */

static uint32_t kind_of(const char *name)
{
    int kind = evidence_kind_find(str_from(name));
    CHECK(kind >= 0);
    return (uint32_t)kind;
}

static uint32_t field_of(uint32_t kind, const char *name)
{
    const struct evidence_field *field;
    for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[kind], i)) != NULL; i++) {
        if (strcmp(field->name, name) == 0) return i;
    }
    CHECK(false); /* they are constants of the same table */
    return 0;
}

void narrowing_fields_init(struct narrowing_fields *fields, uint64_t seed)
{
    fields->seed = seed;
    fields->ledger = kind_of("ledger_tx");
    fields->posting = kind_of("posting");
    fields->account = kind_of("account");
    fields->psp = kind_of("psp");
    fields->ledger_type = field_of(fields->ledger, "type");
    fields->account_opening = field_of(fields->account, "opening");
    fields->psp_type = field_of(fields->psp, "type");
    CHECK(field_of(fields->ledger, "tx") == TX);
    CHECK(field_of(fields->ledger, "psp_ref") == PSP_REF);
    CHECK(field_of(fields->ledger, "account") == ACCOUNT);
    CHECK(field_of(fields->ledger, "amount") == AMOUNT);
    CHECK(field_of(fields->ledger, "ccy") == CCY);
    CHECK(field_of(fields->ledger, "ver") == VER);
    CHECK(field_of(fields->ledger, "state") == STATE);
}

static uint64_t value_hash(const struct narrowing_fields *fields, const struct record_value *value)
{
    if (value->text.data != NULL)
        return hash_bytes_seeded(value->text.data, value->text.len, fields->seed);
    return hash_bytes_seeded(&value->number, sizeof value->number, fields->seed);
}

uint32_t narrowing_hash(const struct narrowing_fields *fields, const struct record_value *value)
{
    return (uint32_t)(value_hash(fields, value) >> 32);
}

static bool has(const struct record *record, uint32_t place)
{
    return (record->seen >> place & 1) != 0;
}

static bool is_word(const struct record *record, uint32_t place, const char *word)
{
    return has(record, place) && str_equal(record->values[place].text, str_from(word));
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    const uint64_t words[] = { a, b };
    return hash_bytes(words, sizeof words);
}

/* Of the key and what else its rows are grouped by. */
static uint64_t weight(const struct narrowing_fields *fields, const struct record *record,
                       uint32_t key, uint64_t more)
{
    return mix(value_hash(fields, &record->values[key]), more) | 1;
}

static uint64_t currency(const struct narrowing_fields *fields, const struct record *record)
{
    return has(record, CCY) ? value_hash(fields, &record->values[CCY]) : 0;
}

static void note(const struct narrowing_fields *fields, struct narrowing_notes *out,
                 enum narrowing tally, const struct record *record, uint32_t key, uint64_t value)
{
    CHECK(out->count < NARROWING_NOTES_MAX);
    out->notes[out->count++] = (struct narrowing_note){
        .tally = tally,
        .hash = narrowing_hash(fields, &record->values[key]),
        .value = value,
    };
}

/* An amount, weighted; one that is large makes its bucket odd whatever else is in it. */
static void note_amount(const struct narrowing_fields *fields, struct narrowing_notes *out,
                        enum narrowing tally, const struct record *record, uint32_t key,
                        bool negative)
{
    const struct record_value *amount = &record->values[AMOUNT];
    uint64_t factor = weight(fields, record, key, currency(fields, record));
    bool plain = amount->text.data == NULL && amount->number < AMOUNT_PLAIN &&
                 amount->number > -AMOUNT_PLAIN;
    uint64_t value = plain ? (uint64_t)amount->number * factor : mix(record->hash, factor) | 1;
    note(fields, out, tally, record, key, plain && negative ? -value : value);
}

static void take_posting(const struct narrowing_fields *fields, const struct record *record,
                         struct narrowing_notes *out)
{
    const struct record_value *amount = &record->values[AMOUNT];
    note_amount(fields, out, NARROWING_UNBALANCED, record, TX, false);
    out->has_entry = true;
    out->entry = (struct narrowing_entry){
        .key = weight(fields, record, ACCOUNT, currency(fields, record)),
        .hash = narrowing_hash(fields, &record->values[ACCOUNT]),
        .odd = amount->text.data != NULL,
        .has_ver = has(record, VER),
        .amount = amount->text.data != NULL ? 0 : amount->number,
        .ver = has(record, VER) ? record->values[VER].number : 0,
    };
}

static void take_account(const struct narrowing_fields *fields, const struct record *record,
                         struct narrowing_notes *out)
{
    const struct record_value *amount = &record->values[AMOUNT];
    const struct record_value *opening = &record->values[fields->account_opening];
    bool opened = has(record, fields->account_opening);
    int64_t drift = 0;
    bool odd = amount->text.data != NULL || (opened && opening->text.data != NULL) ||
               __builtin_sub_overflow(opened ? opening->number : 0, amount->number, &drift);
    out->has_entry = true;
    out->entry = (struct narrowing_entry){
        .key = weight(fields, record, ACCOUNT, currency(fields, record)),
        .hash = narrowing_hash(fields, &record->values[ACCOUNT]),
        .is_account = true,
        .odd = odd,
        .amount = drift,
    };
}

/* Which lines of a PSP a transaction answers to; as invariant I24 has it. */
enum class { CLASS_CHARGE, CLASS_REFUND, CLASS_DISPUTE, CLASS_NONE };

static enum class class_of(const struct record *record, uint32_t type) {
    if (is_word(record, type, "refund")) return CLASS_REFUND;
    if (is_word(record, type, "dispute")) return CLASS_DISPUTE;
    return is_word(record, type, "reversal") ? CLASS_NONE : CLASS_CHARGE;
}

static void take_ledger(const struct narrowing_fields *fields, const struct record *record,
                        struct narrowing_notes *out)
{
    uint32_t type = fields->ledger_type;
    bool posted = !has(record, STATE) || is_word(record, STATE, "posted");
    if (!posted || !has(record, PSP_REF)) return;
    if (has(record, AMOUNT) && !is_word(record, type, "fee") && !is_word(record, type, "payout"))
        note_amount(fields, out, NARROWING_PSP_SUMS, record, PSP_REF, false);
    enum class class = class_of(record, type);
    if (class != CLASS_NONE)
        note(fields, out, NARROWING_PSP_KNOWN, record, PSP_REF,
             weight(fields, record, PSP_REF, class));
    out->has_refund = class == CLASS_REFUND || class == CLASS_DISPUTE;
    out->refund = narrowing_hash(fields, &record->values[PSP_REF]);
}

static void take_psp(const struct narrowing_fields *fields, const struct record *record,
                     struct narrowing_notes *out)
{
    uint32_t type = fields->psp_type;
    if (has(record, STATE) && !is_word(record, STATE, "succeeded")) return;
    bool left_out = is_word(record, type, "fee") || is_word(record, type, "payout") ||
                    is_word(record, type, "authorization");
    if (!left_out) note_amount(fields, out, NARROWING_PSP_SUMS, record, PSP_REF, true);
    enum class class = class_of(record, type);
    if (class == CLASS_CHARGE && !is_word(record, type, "charge")) return;
    note(fields, out, NARROWING_PSP_KNOWN, record, PSP_REF,
         -weight(fields, record, PSP_REF, class));
}

void narrowing_take(const struct narrowing_fields *fields, const struct record *record,
                    struct narrowing_notes *out_notes)
{
    out_notes->count = 0;
    out_notes->has_entry = false;
    out_notes->has_refund = false;
    if (record->kind == fields->posting) take_posting(fields, record, out_notes);
    if (record->kind == fields->account) take_account(fields, record, out_notes);
    if (record->kind == fields->ledger) take_ledger(fields, record, out_notes);
    if (record->kind == fields->psp) take_psp(fields, record, out_notes);
}

/* ---- sums ---- */

static size_t books_size(uint32_t room)
{
    return room * sizeof(struct narrowing_book);
}

enum status narrowing_sums_init(struct narrowing_sums *sums)
{
    static const enum narrowing tallies[] = { NARROWING_UNBALANCED, NARROWING_PSP_SUMS,
                                              NARROWING_PSP_KNOWN };
    *sums = (struct narrowing_sums){ .book_room = BOOKS_FIRST };
    sums->books = reserve_new(books_size(BOOKS_FIRST));
    if (sums->books == NULL) return STATUS_LIMIT;
    for (size_t i = 0; i < sizeof tallies / sizeof tallies[0]; i++) {
        sums->buckets[tallies[i]] = reserve_new(BUCKETS * sizeof(uint64_t));
        if (sums->buckets[tallies[i]] == NULL) return STATUS_LIMIT;
    }
    return STATUS_OK;
}

void narrowing_sums_done(struct narrowing_sums *sums)
{
    for (int i = 0; i < NARROWING_COUNT; i++) {
        reserve_free(sums->buckets[i], BUCKETS * sizeof(uint64_t));
        sums->buckets[i] = NULL;
    }
    reserve_free(sums->books, books_size(sums->book_room));
    sums->books = NULL;
}

void narrowing_sums_add(struct narrowing_sums *sums, const struct narrowing_note *note)
{
    sums->buckets[note->tally][note->hash >> BUCKET_SHIFT] += note->value;
}

static struct narrowing_book *book_of(struct narrowing_book *books, uint32_t room, uint64_t key)
{
    uint32_t at = (uint32_t)(key >> 8) & (room - 1);
    while (books[at].key != 0 && books[at].key != key) at = (at + 1) & (room - 1);
    return &books[at];
}

/* False: no memory, or too many. */
static bool books_grow(struct narrowing_sums *sums)
{
    uint32_t room = 2 * sums->book_room;
    if (sums->book_count >= NARROWING_BOOKS_MAX) return false;
    struct narrowing_book *books = reserve_new(books_size(room));
    if (books == NULL) return false;
    for (uint32_t i = 0; i < sums->book_room; i++) {
        const struct narrowing_book *book = &sums->books[i];
        if (book->key != 0) *book_of(books, room, book->key) = *book;
    }
    reserve_free(sums->books, books_size(sums->book_room));
    sums->books = books;
    sums->book_room = room;
    return true;
}

static void enter_version(struct narrowing_book *book, int64_t ver)
{
    if (!book->versions || ver < book->first) book->first = ver;
    if (!book->versions || ver > book->last) book->last = ver;
    book->versions = true;
    book->chain += mix(book->key, (uint64_t)ver + 1) - mix(book->key, (uint64_t)ver);
}

void narrowing_sums_enter(struct narrowing_sums *sums, const struct narrowing_entry *entry)
{
    if (sums->books_full) return;
    if (2 * sums->book_count >= sums->book_room && !books_grow(sums)) {
        sums->books_full = true;
        return;
    }
    struct narrowing_book *book = book_of(sums->books, sums->book_room, entry->key);
    sums->book_count += book->key == 0;
    book->key = entry->key;
    book->hash = entry->hash;
    book->rows += entry->is_account;
    book->odd = book->odd || entry->odd;
    book->drift += entry->amount;
    if (entry->has_ver) enter_version(book, entry->ver);
}

static bool book_is_odd(const struct narrowing_book *book, enum narrowing tally)
{
    if (book->key == 0) return false;
    if (tally == NARROWING_BALANCES)
        return book->rows > 0 && (book->rows > 1 || book->odd || book->drift != 0);
    if (!book->versions) return false;
    uint64_t whole =
        mix(book->key, (uint64_t)book->last + 1) - mix(book->key, (uint64_t)book->first);
    return book->chain != whole;
}

bool narrowing_sums_odd(const struct narrowing_sums *sums, enum narrowing tally,
                        narrowing_visit *visit, void *context)
{
    if (tally == NARROWING_BALANCES || tally == NARROWING_VERSIONS) {
        if (sums->books_full) return false;
        for (uint32_t i = 0; i < sums->book_room; i++) {
            const struct narrowing_book *book = &sums->books[i];
            if (book_is_odd(book, tally)) visit(context, book->hash, book->hash);
        }
        return true;
    }
    const uint64_t *buckets = sums->buckets[tally];
    CHECK(buckets != NULL);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        uint32_t from = i << BUCKET_SHIFT;
        if (buckets[i] != 0) visit(context, from, from | ((1U << BUCKET_SHIFT) - 1));
    }
    return true;
}
