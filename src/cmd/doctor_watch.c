/* tpwallet doctor watch: a journal as it grows, recomputed, and held against what its server says. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/http_client.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_member.h"
#include "cmd/answer.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "cmd/stop_signal.h"
#include "cmd/watch_incident.h"
#include "doctor/watch_book.h"
#include "port/entropy.h"
#include "wallet/journal_walk.h"

enum {
    ANSWER_SIZE_MAX = 4 << 20,
    LINE_SIZE_MAX = 4096,
    LANE_TEXT_SIZE = 12,
    TARGET_SIZE_MAX = 1024,
    PAGE_ACCOUNTS = 200, /* of the sweep over all accounts, one page a round */
    CALL_MS_MAX = 5000,
    AHEAD_MS_MAX = 3000, /* how long what the server told of may be missing from the journal */
    AHEAD_RETRY_MS = 20,
    EXIT_NOT_ALL = 9, /* nothing was found, and not all was looked at */
};

/* The server's word for one account. */
struct told {
    uint32_t number;
    struct balance balance;
};

struct watch {
    const struct invocation *invocation;
    struct watch_book *book;
    struct data_folder *folder;
    struct store *store;
    struct journal_walk walk;
    struct http_client *client;
    sigset_t signals;
    uint64_t rounds_ms;
    uint64_t checks_max; /* accounts asked for one by one, a round */
    uint64_t for_s;      /* 0: until told to stop */
    bool first_only;
    bool once;
    bool stopped;
    bool damaged;
    bool ahead;           /* was told: the server knows more than the journal */
    uint64_t told_seen;   /* the newest batch that the server told of */
    uint64_t asked;       /* answers compared, or waited for */
    uint64_t unanswered;  /* rounds that the server did not answer */
    uint64_t answered;    /* rounds that it did */
    bool server_there;    /* somebody took a call, whatever the answer */
    uint64_t swept;       /* times that all accounts were asked for */
    const char *incident; /* the bundle that the first alert opens; NULL: none, or it is open */
    struct buf cursor;    /* of the sweep; empty: at its start */
    struct buf answer;
    struct told told[PAGE_ACCOUNTS];
    uint32_t told_count;
    uint64_t told_batch;
    struct watch_totals sums[WATCH_ASSETS_MAX];
    uint32_t sum_count;
    struct error error;
};

/* ---- alerts: one line each, at once ---- */

static void line_write(struct json_writer *writer, struct buf *line)
{
    json_write_object_end(writer);
    CHECK(json_write_end(writer) == STATUS_OK); /* far smaller than the buf */
    buf_append_byte(line, '\n');
    (void)!report_put(stdout, buf_view(line)); /* nobody is left to be told when it fails */
    (void)fflush(stdout);                      /* the same */
}

static void alert(struct watch *watch, const struct watch_finding *finding)
{
    BUF_SCOPE struct buf line;
    buf_init(&line, LINE_SIZE_MAX);
    char position[POSITION_TEXT_SIZE];
    char time[TIME_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, &line);
    json_write_object_begin(&writer);
    json_member_text(&writer, "alert", str_from(watch_fault_code(finding->fault)));
    json_member_text(&writer, "text", str_from(watch_fault_text(finding->fault)));
    json_member_text(&writer, "at", wall_time_format(clock_wall(system_clock()), time));
    json_member_text(&writer, "position", position_format(finding->position, position));
    if (!uuid_is_nil(finding->subject)) {
        json_write_key(&writer, STR("subject"));
        json_write_uuid(&writer, finding->subject);
    }
    const struct asset *asset = watch_book_asset(watch->book, finding->asset);
    if (asset != NULL) {
        json_member_text(&writer, "asset", str_from(asset->code));
        json_write_key(&writer, STR("expected"));
        json_write_money(&writer, finding->expected, asset->exponent);
        json_write_key(&writer, STR("found"));
        json_write_money(&writer, finding->found, asset->exponent);
    }
    if (finding->fault == WATCH_FAULT_JOURNAL_DAMAGED)
        json_member_text(&writer, "detail", str_from(watch->error.message));
    line_write(&writer, &line);
}

/* Once: what is found after it belongs to the same case, or shows in the evidence. */
static void incident_open(struct watch *watch, const struct watch_finding *finding)
{
    if (watch->incident == NULL) return;
    const struct watch_incident incident = {
        .bundle = watch->incident,
        .key = invocation_text(watch->invocation, "key"),
        .data = watch->invocation->data,
        .alert = watch_fault_text(finding->fault),
    };
    BUF_SCOPE struct buf line;
    buf_init(&line, LINE_SIZE_MAX);
    struct json_writer writer;
    struct error error = { 0 };
    enum status status = watch_incident_open(&incident, &error);
    json_writer_init(&writer, &line);
    json_write_object_begin(&writer);
    json_member_text(&writer, status == STATUS_OK ? "incident" : "incident_failed",
                     str_from(status == STATUS_OK ? watch->incident : error.message));
    line_write(&writer, &line);
    watch->incident = NULL;
}

static void alerts_tell(struct watch *watch)
{
    uint32_t count = watch->book->finding_count;
    if (watch->first_only && count > 1) count = 1;
    for (uint32_t i = 0; i < count; i++) alert(watch, &watch->book->findings[i]);
    if (count > 0) incident_open(watch, &watch->book->findings[0]);
    watch->book->finding_count = 0;
    if (count > 0 && watch->first_only) watch->stopped = true;
}

/* ---- the journal ---- */

static void find_batch(struct watch *watch, enum watch_fault fault, uint64_t batch)
{
    const struct watch_finding finding = { .fault = fault,
                                           .position = { batch, POSITION_INDEX_END } };
    watch_book_find(watch->book, &finding);
}

static enum status batch_take(struct watch *watch)
{
    struct batch_reader reader;
    enum status status = journal_walk_read(&watch->walk, &reader, &watch->error);
    if (status != STATUS_OK) return status;
    uint64_t batch = reader.header->sequence;
    const struct record_head *record;
    while ((status = batch_next(&reader, &record, &watch->error)) == STATUS_OK)
        watch_book_take(watch->book, batch, batch_locator(&reader, record), record);
    if (status != STATUS_NOT_FOUND) return status;
    watch_book_batch_end(watch->book, batch);
    journal_walk_next(&watch->walk);
    return STATUS_OK;
}

static bool is_time_up(struct monotonic_time since, uint64_t limit_ms)
{
    struct monotonic_time now = clock_monotonic(system_clock());
    return (uint64_t)(now.ns - since.ns) / 1000000 >= limit_ms;
}

static bool is_told_to_stop(struct watch *watch)
{
    const struct timespec at_once = { 0 };
    if (!watch->stopped && sigtimedwait(&watch->signals, NULL, &at_once) > 0) watch->stopped = true;
    return watch->stopped;
}

/* Up to batch `until` at most, of what there is. STATUS_UNAVAILABLE may pass. */
static enum status journal_read(struct watch *watch, uint64_t until)
{
    struct store_head head;
    enum status status = watch->store->head(watch->store, &head, &watch->error);
    if (status == STATUS_OK && head.sequence < until) until = head.sequence;
    while (status == STATUS_OK && watch->walk.sequence < until) {
        status = batch_take(watch);
        alerts_tell(watch);
        if (is_told_to_stop(watch)) return STATUS_OK;
    }
    if (status != STATUS_CORRUPT) return status;
    watch->damaged = true;
    find_batch(watch, WATCH_FAULT_JOURNAL_DAMAGED, watch->walk.sequence + 1);
    alerts_tell(watch);
    return status;
}

/* To exactly the batch that the server told of, when the book is not beyond it. */
static enum status journal_read_to_told(struct watch *watch)
{
    if (watch->told_batch > watch->told_seen) watch->told_seen = watch->told_batch;
    struct monotonic_time since = clock_monotonic(system_clock());
    enum status status = STATUS_OK;
    while (status == STATUS_OK && watch->walk.sequence < watch->told_batch && !watch->stopped) {
        status = journal_read(watch, watch->told_batch);
        if (status != STATUS_OK || watch->walk.sequence >= watch->told_batch) break;
        if (watch->ahead || is_time_up(since, AHEAD_MS_MAX)) {
            if (!watch->ahead) find_batch(watch, WATCH_FAULT_SERVER_AHEAD, watch->told_batch);
            watch->ahead = true;
            return STATUS_OK;
        }
        pause_ms(AHEAD_RETRY_MS);
    }
    return status;
}

/* ---- what the server says ---- */

static bool amount_read(const struct answer_object *object, const char *name,
                        const struct asset *asset, struct money *out_amount)
{
    char path[64] = "balance.";
    CHECK(strlen(name) < sizeof path - 9);
    memcpy(path + 8, name, strlen(name) + 1);
    return money_parse(answer_text(object, path), asset->exponent, out_amount) == STATUS_OK;
}

static bool balance_read(const struct answer_object *object, const struct asset *asset,
                         struct balance *out_balance)
{
    return asset != NULL &&
           amount_read(object, "debits_posted", asset, &out_balance->debits_posted) &&
           amount_read(object, "debits_pending", asset, &out_balance->debits_pending) &&
           amount_read(object, "credits_posted", asset, &out_balance->credits_posted) &&
           amount_read(object, "credits_pending", asset, &out_balance->credits_pending);
}

/* An account of an answer; of one that the book has not met, nothing can be said yet. */
static bool account_visit(void *argument, const struct answer_object *item)
{
    struct watch *watch = argument;
    struct uuid id;
    if (uuid_parse(answer_text(item, "id"), &id) != STATUS_OK) return true;
    uint32_t number = id_map_find(&watch->book->account_map, id);
    if (number == ID_MAP_NONE || watch->told_count == PAGE_ACCOUNTS) return true;
    const struct watch_account *account = &watch->book->accounts[number];
    const struct asset *asset = watch_book_asset(watch->book, account->asset);
    struct told *told = &watch->told[watch->told_count];
    told->number = number;
    watch->told_count += balance_read(item, asset, &told->balance);
    return true;
}

static bool row_visit(void *argument, const struct answer_object *item)
{
    struct watch *watch = argument;
    const struct asset *asset = watch_book_asset_by_code(watch->book, answer_text(item, "asset"));
    struct balance row;
    if (!balance_read(item, asset, &row)) return true;
    uint32_t place = 0;
    while (place < watch->sum_count && watch->sums[place].asset != asset->id) place++;
    if (place == WATCH_ASSETS_MAX) return true;
    struct watch_totals *sum = &watch->sums[place];
    if (place == watch->sum_count) {
        *sum = (struct watch_totals){ .asset = asset->id };
        watch->sum_count++;
    }
    sum->balance.debits_posted.minor += row.debits_posted.minor; /* a wrap differs all the same */
    sum->balance.debits_pending.minor += row.debits_pending.minor;
    sum->balance.credits_posted.minor += row.credits_posted.minor;
    sum->balance.credits_pending.minor += row.credits_pending.minor;
    return true;
}

/* STATUS_NOT_FOUND: the server says so. STATUS_UNAVAILABLE: it did not answer, or not now. */
static enum status server_get(struct watch *watch, struct str target)
{
    BUF_SCOPE struct buf lane;
    buf_init(&lane, LANE_TEXT_SIZE);
    buf_append_format(&lane, "%u", data_folder_lane(watch->folder));
    const struct http_call call = { .method = STR("GET"),
                                    .target = target,
                                    .lane = buf_view(&lane) };
    unsigned http_status = 0;
    struct error ignored = { 0 }; /* it is asked again in the next round */
    enum status status =
        http_client_call(watch->client, &call, &http_status, &watch->answer, &ignored);
    if (status != STATUS_UNAVAILABLE) watch->server_there = true;
    if (status != STATUS_OK) return STATUS_UNAVAILABLE;
    if (http_status == 404) return STATUS_NOT_FOUND;
    return http_status == 200 ? STATUS_OK : STATUS_UNAVAILABLE;
}

/* Takes the answer apart: one account, or what `visit` makes of its list; NULL: no next page. */
static enum status answer_take(struct watch *watch, const struct answer_list *list,
                               struct buf *out_next)
{
    struct str json = buf_view(&watch->answer);
    struct answer_object object;
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return STATUS_UNAVAILABLE;
    watch->told_count = 0;
    watch->sum_count = 0;
    status = list == NULL ? answer_read(json, &arena, &object)
                          : answer_read_list(json, list, &arena, &object);
    if (status == STATUS_OK && list == NULL) (void)account_visit(watch, &object);
    struct position position;
    bool placed = status == STATUS_OK && position_parse(answer_text(&object, "as_of"), &position);
    if (placed) watch->told_batch = position.batch;
    if (placed && out_next != NULL) {
        buf_reset(out_next);
        buf_append_str(out_next, answer_text(&object, "next"));
    }
    arena_done(&arena);
    return placed ? STATUS_OK : STATUS_UNAVAILABLE;
}

/* Whoever moved after what the server told of is asked for again. */
static enum status accounts_judge(struct watch *watch)
{
    enum status status = journal_read_to_told(watch);
    for (uint32_t i = 0; status == STATUS_OK && i < watch->told_count; i++) {
        const struct told *told = &watch->told[i];
        const struct watch_account *account = &watch->book->accounts[told->number];
        if (watch->walk.sequence < watch->told_batch || account->moved_batch > watch->told_batch) {
            watch_book_moved_again(watch->book, told->number);
            continue;
        }
        watch_book_compare(watch->book, told->number, watch->told_batch, &told->balance);
        watch->asked++;
    }
    alerts_tell(watch);
    return status;
}

static enum status account_ask(struct watch *watch, uint32_t number)
{
    const struct watch_account *account = &watch->book->accounts[number];
    char target[sizeof "/v1/accounts/" + UUID_TEXT_LEN] = "/v1/accounts/";
    uuid_format(account->id, target + sizeof "/v1/accounts/" - 1);
    enum status status = server_get(watch, str_from(target));
    if (status == STATUS_OK) status = answer_take(watch, NULL, NULL);
    if (status == STATUS_OK) return accounts_judge(watch);
    if (status != STATUS_NOT_FOUND || watch->told_seen < account->moved_batch) {
        watch_book_moved_again(watch->book, number);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    const struct watch_finding finding = { .fault = WATCH_FAULT_SERVER_LACKS,
                                           .position = { watch->told_seen, POSITION_INDEX_END },
                                           .subject = account->id };
    watch_book_find(watch->book, &finding);
    alerts_tell(watch);
    return STATUS_OK;
}

static enum status totals_ask(struct watch *watch)
{
    const struct answer_list list = { "rows", row_visit, watch };
    enum status status = server_get(watch, STR("/v1/trial-balance"));
    if (status == STATUS_OK) status = answer_take(watch, &list, NULL);
    if (status == STATUS_OK) status = journal_read_to_told(watch);
    if (status != STATUS_OK) return status;
    bool same = watch->walk.sequence == watch->told_batch;
    for (uint32_t i = 0; same && i < watch->sum_count; i++) {
        const struct asset *asset = watch_book_asset(watch->book, watch->sums[i].asset);
        watch_book_compare_totals(watch->book, asset, watch->told_batch, &watch->sums[i].balance);
    }
    alerts_tell(watch);
    return STATUS_OK;
}

static enum status sweep_ask(struct watch *watch)
{
    const struct answer_list list = { "items", account_visit, watch };
    BUF_SCOPE struct buf target;
    buf_init(&target, TARGET_SIZE_MAX);
    buf_append_format(&target, "/v1/accounts?limit=%d", PAGE_ACCOUNTS);
    if (watch->cursor.len > 0) {
        buf_append_str(&target, STR("&cursor="));
        buf_append_str(&target, buf_view(&watch->cursor));
    }
    enum status status = server_get(watch, buf_view(&target));
    if (status == STATUS_OK) status = answer_take(watch, &list, &watch->cursor);
    if (status != STATUS_OK) return status;
    watch->swept += watch->cursor.len == 0;
    return accounts_judge(watch);
}

static enum status server_ask(struct watch *watch)
{
    enum status status = totals_ask(watch);
    for (uint64_t i = 0; status == STATUS_OK && i < watch->checks_max && !watch->stopped; i++) {
        uint32_t number;
        if (!watch_book_moved(watch->book, &number)) break;
        status = account_ask(watch, number);
    }
    if (status == STATUS_OK && !watch->stopped) status = sweep_ask(watch);
    if (status == STATUS_OK) watch->answered++;
    if (status == STATUS_OK || status == STATUS_CORRUPT) return status;
    watch->unanswered++;
    return STATUS_OK;
}

/* ---- the rounds ---- */

static void round_pause(struct watch *watch, struct monotonic_time since)
{
    uint64_t spent_ms = (uint64_t)(clock_monotonic(system_clock()).ns - since.ns) / 1000000;
    if (spent_ms >= watch->rounds_ms || watch->stopped) return;
    uint64_t left_ms = watch->rounds_ms - spent_ms;
    const struct timespec wait = { .tv_sec = (time_t)(left_ms / 1000),
                                   .tv_nsec = (long)(left_ms % 1000) * 1000000 };
    if (sigtimedwait(&watch->signals, NULL, &wait) > 0) watch->stopped = true;
}

/* What has moved before the watch began is left to the sweep: the new comes first. */
static void moved_forget(struct watch *watch)
{
    uint32_t number;
    while (watch_book_moved(watch->book, &number)) continue;
}

static enum status rounds_run(struct watch *watch)
{
    struct monotonic_time begun = clock_monotonic(system_clock());
    enum status status = journal_read(watch, UINT64_MAX);
    if (status == STATUS_OK) moved_forget(watch);
    while (!watch->stopped && (status == STATUS_OK || status == STATUS_UNAVAILABLE)) {
        struct monotonic_time since = clock_monotonic(system_clock());
        status = journal_read(watch, UINT64_MAX);
        if (status == STATUS_OK) status = server_ask(watch);
        bool looked = watch->swept > 0 || watch->unanswered > 0;
        if (watch->once && looked && watch->book->moved_count == 0) break;
        if (watch->for_s > 0 && is_time_up(begun, watch->for_s * 1000)) break;
        if (!watch->once) round_pause(watch, since);
        (void)is_told_to_stop(watch);
    }
    return status == STATUS_UNAVAILABLE ? STATUS_OK : status;
}

static void count(struct json_writer *writer, const char *name, uint64_t value)
{
    json_write_key(writer, str_from(name));
    json_write_uint64(writer, value);
}

/* A stopped ledger is looked at by itself; whoever names a server or waits for one wants its word. */
static bool is_server_wanted(const struct watch *watch)
{
    return watch->server_there || !watch->once || invocation_has(watch->invocation, "server");
}

/* What nobody can conclude from silence; true: more than the server of a stopped ledger. */
static bool unseen_tell(const struct watch *watch, struct json_writer *writer)
{
    uint64_t missed = watch->book->missed;
    json_write_key(writer, STR("not_looked_at"));
    json_write_array_begin(writer);
    if (watch->answered == 0)
        json_write_string(writer, STR("what the server says: it did not answer"));
    else if (watch->once && watch->swept == 0)
        json_write_string(writer, STR("all accounts at the server: it stopped answering before"));
    if (missed > 0)
        json_write_string(writer, STR("what passes --accounts-max, --holds-max, --references-max "
                                      "or 128 bits: see missed"));
    json_write_array_end(writer);
    bool server = watch->answered == 0 || (watch->once && watch->swept == 0);
    return missed > 0 || (server && is_server_wanted(watch));
}

/* Whether all was looked at that was to be. */
static bool summary(struct watch *watch)
{
    BUF_SCOPE struct buf line;
    buf_init(&line, LINE_SIZE_MAX);
    struct json_writer writer;
    json_writer_init(&writer, &line);
    json_write_object_begin(&writer);
    count(&writer, "alerts", watch->book->found);
    count(&writer, "batches", watch->walk.sequence);
    count(&writer, "transfers", watch->book->transfers);
    count(&writer, "accounts", watch->book->account_count);
    count(&writer, "balances_compared", watch->asked);
    count(&writer, "balances_waiting", watch->book->moved_count);
    count(&writer, "sweeps", watch->swept);
    count(&writer, "rounds_unanswered", watch->unanswered);
    count(&writer, "missed", watch->book->missed);
    count(&writer, "memory_max", watch_book_size_max(&watch->book->options));
    bool whole = !unseen_tell(watch, &writer);
    line_write(&writer, &line);
    return whole;
}

/* ---- the command ---- */

static enum status options_read(struct watch *watch, struct watch_options *out_options)
{
    const struct invocation *invocation = watch->invocation;
    uint64_t accounts = 0;
    uint64_t holds = 0;
    uint64_t references = 0;
    const struct {
        const char *name;
        struct number_range range;
        uint64_t *value;
    } numbers[] = {
        { "rounds-ms", { 10, 3600000 }, &watch->rounds_ms },
        { "checks", { 0, 100000 }, &watch->checks_max },
        { "for-s", { 1, 31536000 }, &watch->for_s },
        { "accounts-max", { 1, 100000000 }, &accounts },
        { "holds-max", { 1, 100000000 }, &holds },
        { "references-max", { 1, 100000000 }, &references },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        status = invocation_number(invocation, numbers[i].name, numbers[i].range, numbers[i].value,
                                   &watch->error);
    watch->once = invocation_has(invocation, "once");
    watch->first_only = invocation_has(invocation, "first");
    watch->incident = invocation_text(invocation, "incident");
    if (status == STATUS_OK && watch->incident != NULL && !invocation_has(invocation, "key"))
        status = error_set(&watch->error, STATUS_INVALID, "--incident needs --key");
    *out_options = (struct watch_options){ .accounts_max = (uint32_t)accounts,
                                           .holds_max = (uint32_t)holds,
                                           .references_max = (uint32_t)references };
    entropy_fill(system_entropy(), &out_options->seed, sizeof out_options->seed);
    return status;
}

static enum status watch_open(struct watch *watch)
{
    struct watch_options options;
    enum status status = options_read(watch, &options);
    if (status == STATUS_OK) status = stop_signal_block(&watch->signals, &watch->error);
    if (status == STATUS_OK && watch_book_init(watch->book, &options) != STATUS_OK)
        status = error_set(&watch->error, STATUS_LIMIT, "no memory for tables of this size");
    const char *path = watch->invocation->data;
    if (status == STATUS_OK)
        status = data_folder_open(path, DATA_FOLDER_GUEST, &watch->folder, &watch->error);
    const struct folder_store_options store = { .read_only = true };
    if (status == STATUS_OK)
        status = folder_store_open(watch->folder, &store, &watch->store, &watch->error);
    if (status != STATUS_OK) return status;
    journal_walk_open(&watch->walk, watch->store, data_folder_lane(watch->folder), 0);
    const char *server = invocation_text(watch->invocation, "server");
    BUF_SCOPE struct buf socket;
    buf_init(&socket, LINE_SIZE_MAX);
    if (server == NULL) buf_append_format(&socket, "%s", data_folder_socket(watch->folder));
    if (server != NULL) buf_append_format(&socket, "%s/socket", server);
    const struct http_client_options client = { .socket_path = buf_terminated(&socket),
                                                .call_ms_max = CALL_MS_MAX };
    return http_client_open(&client, &watch->client, &watch->error);
}

static void watch_close(struct watch *watch)
{
    http_client_close(watch->client);
    journal_walk_close(&watch->walk);
    if (watch->store != NULL) watch->store->close(watch->store);
    data_folder_close(watch->folder);
    watch_book_done(watch->book);
    buf_free(&watch->cursor);
    buf_free(&watch->answer);
}

static int doctor_watch_run(struct invocation *invocation)
{
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct watch) + sizeof(struct watch_book));
    uint8_t *room = buf_extend(&memory, sizeof(struct watch) + sizeof(struct watch_book));
    CHECK(room != NULL); /* a few hundred KiB at the start of a process */
    struct watch *watch = memset(room, 0, sizeof(struct watch) + sizeof(struct watch_book));
    watch->invocation = invocation;
    watch->book = (struct watch_book *)(void *)(watch + 1);
    buf_init(&watch->cursor, TARGET_SIZE_MAX);
    buf_init(&watch->answer, ANSWER_SIZE_MAX);
    enum status status = watch_open(watch);
    bool opened = status == STATUS_OK;
    if (opened) status = rounds_run(watch);
    int code = EXIT_CODE_DONE;
    if (opened && !summary(watch)) code = EXIT_NOT_ALL;
    if (watch->book->found > 0) code = EXIT_CODE_REFUSED;
    if (watch->damaged) code = EXIT_CODE_DAMAGED;
    if (status != STATUS_OK && !watch->damaged) code = report_error(invocation, &watch->error);
    watch_close(watch);
    return code;
}

static const struct option options[] = {
    { "server", "FOLDER", "whose server is asked: another data folder; without it, this one's",
      NULL },
    { "rounds-ms", "N", "a round at most this often", "500" },
    { "checks", "N", "accounts that moved, asked for one by one, a round at most", "100" },
    { "once", NULL,
      "look at all that is there, ask a server that runs for every account once, and end", NULL },
    { "first", NULL, "end with the first violation", NULL },
    { "incident", "FOLDER", "a new bundle that the first violation opens, with our evidence",
      NULL },
    { "key", "FILE", "with --incident: the key that signs its custody (`doctor key`)", NULL },
    { "for-s", "N", "end after so many seconds; without it, at SIGTERM or SIGINT", NULL },
    { "accounts-max", "N", "room for so many accounts", "4M" },
    { "holds-max", "N", "room for so many open holds", "1M" },
    { "references-max", "N", "compare the newest so many references of PSPs", "1M" },
    { 0 },
};

static const struct own_exit_code exit_codes[] = {
    { EXIT_CODE_DONE, "no violation in all that was to be looked at" },
    { EXIT_CODE_REFUSED, "violations" },
    { EXIT_CODE_USAGE, "the command line is wrong" },
    { EXIT_CODE_NOT_FOUND, "there is no such folder" },
    { EXIT_CODE_UNAVAILABLE, "the journal cannot be read now" },
    { EXIT_CODE_DAMAGED, "the journal is damaged" },
    { EXIT_CODE_DENIED, "the folder may not be read" },
    { EXIT_CODE_LIMIT, "no memory for tables of this size" },
    { EXIT_NOT_ALL, "no violation, and not all was looked at: see `not_looked_at`" },
    { 0, NULL },
};

const struct command command_doctor_watch = {
    .name = "doctor watch",
    .summary = "recompute a live ledger as it grows, and alert at the first violated cent",
    .details =
        "Reads the journal from its first batch on and then as it grows, beside the server that "
        "owns it, and recomputes balances, bounds, holds, refunds and totals by itself. Each round "
        "it asks the server for its totals, for accounts that have moved and for a page of all "
        "accounts, and compares them as of the very batch that the server answered for. "
        "Nothing is written to the ledger. Lanes are watched one by one: --data DIR/lanes/N for lane N.\n\n"
        "Each violation is one line of JSON on standard output, as it is found; the last line "
        "counts what was looked at, and `not_looked_at` of it names what was not: a server that never "
        "answered, accounts that --once did not come to, what the tables have no room for. With --incident the first violation opens an incident whose "
        "evidence is collected at once, as `doctor collect --ours` does. Tables take the memory that they use, at most what `memory_max` "
        "of that line says. Of a stopped ledger --once recomputes the journal alone, says so in "
        "`not_looked_at`, and ends with 0.",
    .options = options,
    .examples = "doctor watch\n"
                "doctor watch --for-s 60\n"
                "doctor watch --first --rounds-ms 100\n"
                "doctor watch --incident case --key anna.key\n"
                "doctor watch --once",
    .exit_codes = exit_codes,
    .run = doctor_watch_run,
};
