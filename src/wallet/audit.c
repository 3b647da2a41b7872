/*
 * The journal is replayed by the code that recovers a lane, over two stores that stand before
 * the real ones: one shows no checkpoint and looks at each batch that passes, the other is an
 * index that claims to be complete, so that nothing is entered into it.
 */
#include "wallet/audit.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "wallet/lane_state.h"
#include "wallet/recovery.h"

enum { PROGRESS_EVERY = 256 };

/* Order does not matter: each entry's hash is added up, and the entries are counted. */
struct entry_sum {
    uint64_t sum;
    uint64_t count;
};

struct audit {
    struct store journal; /* first, so that the port's pointer is this struct's */
    struct run_store complete;
    const struct lane_ports *ports;
    const struct audit_options *options;
    struct audit_report *report;
    struct store_head head;
    uint64_t cursors[LANE_INDEX_COUNT]; /* of the real index */
    struct entry_sum sums[LANE_INDEX_COUNT];
};

static void entry_add(struct entry_sum *sum, struct uuid key, struct locator locator)
{
    struct index_entry entry = { key, locator };
    sum->sum += hash_bytes(&entry, sizeof(entry));
    sum->count++;
}

/* ---- The journal, without its checkpoint ---- */

static enum status journal_head(struct store *store, struct store_head *out_head,
                                struct error *out_error)
{
    (void)out_error; /* it was read before: the head stays where it was then */
    *out_head = ((struct audit *)store)->head;
    return STATUS_OK;
}

static enum status journal_slices(struct store *store, struct buf *out_slices,
                                  struct error *out_error)
{
    (void)store;
    (void)out_slices; /* stays empty */
    (void)out_error;
    return STATUS_OK;
}

static void transfer_count(struct audit *audit, uint64_t batch, struct locator locator,
                           const struct record_transfer *transfer)
{
    audit->report->transfers++;
    if (transfer->head.outcome != OUTCOME_OK) audit->report->refusals++;
    if (batch <= audit->cursors[LANE_INDEX_IDS] && !uuid_is_nil(transfer->id.value))
        entry_add(&audit->sums[LANE_INDEX_IDS], transfer->id.value, locator);
    if (batch <= audit->cursors[LANE_INDEX_REFERENCES] && !uuid_is_nil(transfer->user_ref))
        entry_add(&audit->sums[LANE_INDEX_REFERENCES], transfer->user_ref, locator);
    if (batch > audit->cursors[LANE_INDEX_CLOSINGS]) return;
    if ((transfer->head.flags & RECORD_FLAG_CLOSES_HOLD) == 0) return;
    const struct record_transfer_more *more = (const struct record_transfer_more *)(transfer + 1);
    entry_add(&audit->sums[LANE_INDEX_CLOSINGS], more->target.value, locator);
}

static void account_count(struct audit *audit, uint64_t batch, struct locator locator,
                          const struct record_account *record)
{
    if (batch <= audit->cursors[LANE_INDEX_ACCOUNTS])
        entry_add(&audit->sums[LANE_INDEX_ACCOUNTS], record->account.id.value, locator);
    if (batch > audit->cursors[LANE_INDEX_ACCOUNT_REFERENCES]) return;
    if (record->head.outcome != ACCOUNT_OUTCOME_OK || uuid_is_nil(record->account.user_ref)) return;
    entry_add(&audit->sums[LANE_INDEX_ACCOUNT_REFERENCES], record->account.user_ref, locator);
}

static void record_count(struct audit *audit, uint64_t batch, struct locator locator,
                         const struct record_head *record)
{
    audit->report->records++;
    if (record->type == RECORD_TRANSFER)
        transfer_count(audit, batch, locator, (const struct record_transfer *)record);
    bool rests = record->type == RECORD_PAYMENT && (record->flags & RECORD_FLAG_RESTS) != 0;
    if (rests && batch <= audit->cursors[LANE_INDEX_PAYMENTS]) {
        const struct record_payment *payment = (const struct record_payment *)record;
        entry_add(&audit->sums[LANE_INDEX_PAYMENTS], payment->payment.id.value, locator);
    }
    if (record->type == RECORD_ACCOUNT)
        account_count(audit, batch, locator, (const struct record_account *)record);
    if (record->type != RECORD_CONTEXT || batch > audit->cursors[LANE_INDEX_KEYS]) return;
    const struct record_context *context = (const struct record_context *)record;
    if (context->first != 0 && !uuid_is_nil(context->key))
        entry_add(&audit->sums[LANE_INDEX_KEYS], context->key, locator);
}

static enum status journal_read(struct store *store, uint64_t sequence, struct buf *out_blob,
                                struct error *out_error)
{
    struct audit *audit = (struct audit *)store;
    struct store *inner = audit->ports->store;
    enum status status = inner->read(inner, sequence, out_blob, out_error);
    if (status != STATUS_OK) return status;
    struct batch_reader reader;
    status = batch_open(buf_view(out_blob), &reader, out_error);
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status != STATUS_OK) break;
        record_count(audit, sequence, batch_locator(&reader, record), record);
    }
    if (status != STATUS_NOT_FOUND) return status;
    audit->report->batches++;
    audit->report->journal_bytes += out_blob->len;
    bool show = sequence % PROGRESS_EVERY == 0 || sequence == audit->head.sequence;
    if (show && audit->options->progress != NULL)
        audit->options->progress(audit->options->argument, sequence, audit->head.sequence);
    return STATUS_OK;
}

/* ---- An index that is complete ---- */

static enum status complete_cursor(struct run_store *store, uint32_t index,
                                   struct store_point *out_cursor, struct error *out_error)
{
    (void)index;
    (void)out_error;
    struct audit *audit = (struct audit *)((char *)store - offsetof(struct audit, complete));
    *out_cursor = store_head_point(&audit->head);
    return STATUS_OK;
}

static enum status complete_list(struct run_store *store, uint32_t index, struct buf *out_runs,
                                 struct error *out_error)
{
    (void)store;
    (void)index;
    (void)out_runs; /* stays empty */
    (void)out_error;
    return STATUS_OK;
}

/* ---- Comparing ---- */

static bool same_accounts(const struct ledger *a, const struct ledger *b, uint32_t *out_number)
{
    for (uint32_t i = 0; i < a->account_count; i++) {
        struct account_state left = a->accounts[i];
        struct account_state right = b->accounts[i];
        left.applied_batch = right.applied_batch = 0;
        *out_number = i;
        if (memcmp(&left, &right, sizeof(left)) != 0) return false;
    }
    return true;
}

static bool same_holds(const struct hold_table *a, const struct hold_table *b)
{
    uint32_t left = a->first;
    uint32_t right = b->first;
    while (left != HOLD_NONE && right != HOLD_NONE) {
        const struct hold *one = &a->holds[left];
        const struct hold *other = &b->holds[right];
        bool same = one->number == other->number && uuid_equal(one->id.value, other->id.value) &&
                    money_equal(one->remaining, other->remaining) &&
                    one->expires_at.ns == other->expires_at.ns && one->debit == other->debit &&
                    one->credit == other->credit;
        if (!same) return false;
        left = one->next;
        right = other->next;
    }
    return left == right;
}

static bool same_reversals(const struct ledger *a, const struct ledger *b)
{
    for (uint32_t i = 0; i < a->reversal_count; i++) {
        const struct reversal *one = &a->reversals[i];
        const struct reversal *other = &b->reversals[i];
        if (!uuid_equal(one->target.value, other->target.value)) return false;
        if (!money_equal(one->reversed, other->reversed)) return false;
    }
    return true;
}

static bool same_payments(const struct payment_table *a, const struct payment_table *b)
{
    if (a->used != b->used) return false;
    for (uint32_t place = 0; place < a->used; place++) {
        const struct payment_slot *one = &a->slots[place];
        const struct payment_slot *other = &b->slots[place];
        if (one->newest.packed != other->newest.packed) return false;
        if (memcmp(&one->payment, &other->payment, sizeof(one->payment)) != 0) return false;
    }
    return true;
}

static bool same_registry(const struct registry *a, const struct registry *b)
{
    return a->asset_count == b->asset_count && a->credential_count == b->credential_count &&
           a->closed_through.days == b->closed_through.days && a->rate_count == b->rate_count &&
           memcmp(a->rates, b->rates, a->rate_count * sizeof(*a->rates)) == 0 &&
           a->raise_count == b->raise_count &&
           memcmp(a->raises, b->raises, a->raise_count * sizeof(*a->raises)) == 0 &&
           memcmp(a->assets, b->assets, a->asset_count * sizeof(*a->assets)) == 0 &&
           memcmp(a->credentials, b->credentials, a->credential_count * sizeof(*a->credentials)) ==
               0;
}

static enum status states_compare(const struct ledger *whole, const struct ledger *recovered,
                                  struct error *out_error)
{
    uint32_t number = 0;
    const char *differs = NULL;
    if (whole->account_count != recovered->account_count)
        differs = "the number of accounts";
    else if (whole->reversal_count != recovered->reversal_count)
        differs = "the reversals";
    else if (!same_accounts(whole, recovered, &number))
        differs = "an account";
    else if (!same_holds(&whole->holds, &recovered->holds))
        differs = "the open holds";
    else if (!same_reversals(whole, recovered))
        differs = "the reversals";
    else if (!same_payments(&whole->payments, &recovered->payments))
        differs = "the open payments";
    else if (!same_registry(&whole->registry, &recovered->registry))
        differs = "the small tables";
    else if (whole->holds_made != recovered->holds_made)
        differs = "the number of holds made";
    if (differs == NULL) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_CORRUPT,
                                   "the checkpoint does not agree with the journal: %s", differs);
    if (strcmp(differs, "an account") == 0) {
        char id[UUID_TEXT_LEN + 1];
        uuid_format(whole->accounts[number].account.id.value, id);
        error_detail(out_error, "account %s, number %u", id, number);
    }
    error_hint(out_error, "the journal is the truth: restore a backup made of it");
    return status;
}

/* ---- The index ---- */

static enum status run_sum(struct audit *audit, const struct run_info *info, struct entry_sum *sum,
                           struct error *out_error)
{
    struct run *run;
    struct run_cursor cursor;
    enum status status = run_load(audit->ports->run_store, info, &run, out_error);
    if (status != STATUS_OK) return status;
    status = run_cursor_open(audit->ports->run_store, run, &cursor, out_error);
    struct index_entry last = { 0 };
    while (status == STATUS_OK) {
        const struct index_entry *entry = run_cursor_entry(&cursor);
        if (entry == NULL) break;
        if (index_entry_compare(&last, entry) > 0 || !run_may_hold(run, entry->key)) {
            status = error_set(out_error, STATUS_CORRUPT,
                               "index run %llu is out of order or its filter is wrong",
                               (unsigned long long)info->id);
            break;
        }
        last = *entry;
        entry_add(sum, entry->key, entry->locator);
        status = run_cursor_next(&cursor, out_error);
    }
    run_cursor_close(&cursor);
    run_free(run);
    return status;
}

static enum status index_check(struct audit *audit, uint32_t index, struct error *out_error)
{
    static const char *const names[] = { "transfer ids",          "references", "idempotency keys",
                                         "closed holds",          "payments",   "account ids",
                                         "references of accounts" };
    _Static_assert(sizeof(names) / sizeof(names[0]) == LANE_INDEX_COUNT, "each index has a name");
    struct run_store *store = audit->ports->run_store;
    BUF_SCOPE struct buf infos;
    buf_init(&infos, (INDEX_RUNS_MAX + 1) * sizeof(struct run_info));
    enum status status = store->list(store, index + 1, &infos, out_error);
    struct entry_sum sum = { 0 };
    size_t count = infos.len / sizeof(struct run_info);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = run_sum(audit, (const struct run_info *)infos.data + i, &sum, out_error);
    if (status != STATUS_OK) return status;
    audit->report->index_runs += count;
    audit->report->index_entries += sum.count;
    struct entry_sum expected = audit->sums[index];
    if (sum.count == expected.count && sum.sum == expected.sum) return STATUS_OK;
    status =
        error_set(out_error, STATUS_CORRUPT,
                  "the index of %s has %llu entries; the journal has %llu, or others", names[index],
                  (unsigned long long)sum.count, (unsigned long long)expected.count);
    error_hint(out_error, "delete index.db: it is made again at the next start");
    return status;
}

static enum status indexes_check(struct audit *audit, struct error *out_error)
{
    for (uint32_t i = 0; i < LANE_INDEX_COUNT; i++) {
        enum status status = index_check(audit, i, out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status index_foreign(const struct store_point *cursor, const char *why,
                                 struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "the index is of another journal");
    error_detail(out_error, "it was made up to batch %llu, and %s",
                 (unsigned long long)cursor->batch, why);
    error_hint(out_error, "the next start makes it anew");
    return STATUS_CORRUPT;
}

static enum status cursors_read(struct audit *audit, struct error *out_error)
{
    struct run_store *store = audit->ports->run_store;
    for (uint32_t i = 0; i < LANE_INDEX_COUNT && !audit->options->beside_owner; i++) {
        struct store_point cursor;
        const char *why = NULL;
        enum status status = store->cursor(store, i + 1, &cursor, out_error);
        if (status == STATUS_OK)
            status = journal_has(audit->ports->store, &audit->head, cursor, &why, out_error);
        if (status != STATUS_OK) return status;
        if (why != NULL) return index_foreign(&cursor, why, out_error);
        audit->cursors[i] = cursor.batch;
    }
    return STATUS_OK;
}

/* The lane whose checkpoint is asked for is opened as a start would, the other from nothing. */
static enum status lanes_compare(struct audit *audit, struct lane *whole, struct error *out_error)
{
    struct lane_ports ports = *audit->ports;
    ports.run_store = &audit->complete;
    struct lane_options options = audit->options->lane;
    options.read_only = true;
    struct lane *recovered;
    lane_drain(whole); /* its state is all that is wanted of it */
    enum status status = lane_open(&ports, &options, &recovered, out_error);
    if (status != STATUS_OK) return status;
    lane_drain(recovered);
    status = states_compare(whole->ledger, recovered->ledger, out_error);
    lane_close(recovered);
    return status;
}

enum status audit_run(const struct lane_ports *ports, const struct audit_options *options,
                      struct audit_report *out_report, struct error *out_error)
{
    struct audit audit = {
        .journal = { .head = journal_head, .read = journal_read, .slice_list = journal_slices },
        .complete = { .cursor = complete_cursor, .list = complete_list },
        .ports = ports,
        .options = options,
        .report = out_report,
    };
    *out_report = (struct audit_report){ 0 };
    enum status status = ports->store->head(ports->store, &audit.head, out_error);
    if (status == STATUS_OK) status = cursors_read(&audit, out_error);
    if (status != STATUS_OK) return status;
    struct lane_ports whole_ports = *ports;
    whole_ports.store = &audit.journal;
    whole_ports.run_store = &audit.complete;
    struct lane_options lane_options = options->lane;
    lane_options.read_only = true;
    struct lane *whole;
    status = lane_open(&whole_ports, &lane_options, &whole, out_error);
    if (status != STATUS_OK) return status;
    out_report->head = audit.head;
    out_report->accounts = whole->ledger->account_count;
    out_report->holds = whole->ledger->holds.count;
    if (!options->beside_owner) status = lanes_compare(&audit, whole, out_error);
    lane_close(whole);
    if (status == STATUS_OK && !options->beside_owner) status = indexes_check(&audit, out_error);
    return status;
}
