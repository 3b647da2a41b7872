#include "wallet/log_witnesses.h"

#include "base/check.h"
#include "base/metric_text.h"
#include "base/reserve.h"

enum { NOTE_ROOM = CHECKPOINT_TEXT_SIZE_MAX * 2, RESUBMISSIONS_MAX = 2 };

/* One witness, as its task has it; the part below the line is under the monitor. */
struct member {
    struct log_witnesses *all;
    const struct log_witness *witness;
    struct task *task;
    uint64_t known_size; /* where the next proof begins, as far as is known; its task's own */

    struct log_witness_status status;
    bool has_cosigned; /* the candidate */
    uint8_t cosignature[COSIGNATURE_SIZE];
    struct monotonic_time wait_until;
    uint32_t backoff_ms;
};

struct log_witnesses {
    struct log_relay *relay;
    struct log_witnesses_ports ports;
    struct log_witnesses_options options;
    struct member members[LOG_WITNESSES_MAX];

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct tree_head candidate; /* size 0: none yet */
    struct buf note;            /* it, as the log signed it */
    struct monotonic_time since;
    uint32_t cosigned;
    bool late; /* it was said that the quorum is missing */
};

static void lock(struct log_witnesses *all)
{
    all->ports.sync->lock(all->monitor);
}

static void unlock(struct log_witnesses *all)
{
    all->ports.sync->unlock(all->monitor);
}

/* ---- Lines ---- */

/* Once for each change of a witness's state. */
static void state_log(const struct member *member, enum log_witness_state state,
                      const struct error *error)
{
    static const struct {
        enum log_level level;
        const char *event;
        const char *message;
    } lines[] = {
        [LOG_WITNESS_NEW] = { LOG_INFO, "", "" }, /* no state to come back to */
        [LOG_WITNESS_COSIGNS] = { LOG_INFO, "log.witness_cosigns", "a witness cosigns" },
        [LOG_WITNESS_FAILS] = { LOG_WARNING, "log.witness_fails", "a witness does not answer" },
        [LOG_WITNESS_REFUSES] = { LOG_ERROR, "log.witness_refuses",
                                  "a witness does not take this log's checkpoints" },
        [LOG_WITNESS_CONTRADICTS] = { LOG_ALARM, "log.witness_contradicts",
                                      "a witness has seen another history of this log" },
    };
    const struct log_field fields[] = {
        { STR("witness"), note_key_name(&member->witness->key), 0 },
        { STR("why"), str_from(error->message), 0 },
        { STR("detail"), str_from(error->detail), 0 },
        { STR("cosigned_size"), { NULL, 0 }, (int64_t)member->status.size },
    };
    const struct log_line line = { .level = lines[state].level,
                                   .event = str_from(lines[state].event),
                                   .message = str_from(lines[state].message),
                                   .fields = fields,
                                   .field_count = 4 };
    log_write(member->all->ports.log, line);
}

/* Under the monitor: when a candidate has waited long, and when that is over. */
static void quorum_log(struct log_witnesses *all, struct monotonic_time now)
{
    bool has = all->cosigned >= all->options.quorum;
    bool late = !has && all->candidate.size > 0 &&
                now.ns - all->since.ns >= (int64_t)LOG_WITNESSES_LATE_S * NS_PER_S;
    if (all->late ? !has : !late) return;
    all->late = late;
    const struct log_field fields[] = {
        { STR("size"), { NULL, 0 }, (int64_t)all->candidate.size },
        { STR("cosigned_by"), { NULL, 0 }, (int64_t)all->cosigned },
        { STR("quorum"), { NULL, 0 }, (int64_t)all->options.quorum },
    };
    const struct log_line line = {
        .level = late ? LOG_WARNING : LOG_INFO,
        .event = late ? STR("log.quorum_missing") : STR("log.quorum_back"),
        .message = late ? STR("too few witnesses cosign: readers see an older checkpoint")
                        : STR("enough witnesses cosign again"),
        .fields = fields,
        .field_count = 3,
    };
    log_write(all->ports.log, line);
}

/* ---- The candidate: all under the monitor ---- */

static void candidate_take(struct log_witnesses *all, struct monotonic_time now)
{
    struct tree_head head;
    bool has_quorum = all->cosigned >= all->options.quorum;
    int64_t wait_ms = has_quorum ? LOG_WITNESSES_GATHER_MS : LOG_WITNESSES_LATE_S * 1000;
    bool waited = now.ns - all->since.ns >= wait_ms * NS_PER_MS;
    bool done = all->cosigned == all->options.count || waited;
    if (all->candidate.size > 0 && !done) return;
    BUF_SCOPE struct buf note;
    buf_init(&note, NOTE_ROOM);
    if (log_relay_signed(all->relay, &head, &note) != STATUS_OK) return;
    if (head.size <= all->candidate.size) return;
    all->candidate = head;
    buf_reset(&all->note);
    buf_append_str(&all->note, buf_view(&note));
    all->since = now;
    all->cosigned = 0;
    for (uint32_t i = 0; i < all->options.count; i++) all->members[i].has_cosigned = false;
}

static void candidate_show(struct log_witnesses *all)
{
    if (all->cosigned < all->options.quorum) return;
    BUF_SCOPE struct buf note;
    buf_init(&note, NOTE_SIZE_MAX);
    buf_append_str(&note, buf_view(&all->note));
    for (uint32_t i = 0; i < all->options.count; i++) {
        const struct member *member = &all->members[i];
        if (!member->has_cosigned) continue;
        note_append_signature(&note, &member->witness->key, member->cosignature,
                              sizeof member->cosignature);
    }
    CHECK(buf_status(&note) == STATUS_OK);
    log_relay_show(all->relay, &all->candidate, buf_view(&note));
}

/* ---- A call: outside of the monitor ---- */

struct asking {
    struct tree_head head;
    struct buf note;
    struct str text; /* of note */
};

/* From the size that the witness is known to have; as http_out's call(). */
static enum status submit(struct member *member, const struct asking *asking,
                          struct witness_answer *out_answer, struct error *out_error)
{
    struct log_witnesses *all = member->all;
    struct witness_request request = { .old_size = member->known_size,
                                       .checkpoint = buf_view(&asking->note) };
    enum status status = log_relay_prove_growth(all->relay, request.old_size, asking->head.size,
                                                &request.proof, out_error);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf url;
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    buf_init(&url, LOG_WITNESS_URL_SIZE + 32);
    buf_init(&body, WITNESS_REQUEST_SIZE_MAX);
    buf_init(&answer, WITNESS_ANSWER_SIZE_MAX);
    buf_append_format(&url, "%s/add-checkpoint", member->witness->url);
    witness_request_format(&request, &body);
    CHECK(buf_status(&url) == STATUS_OK && buf_status(&body) == STATUS_OK);
    const struct http_out_header header = { STR("Content-Type"), STR("text/plain; charset=utf-8") };
    const struct http_out_request call = {
        .method = STR("POST"),
        .url = buf_view(&url),
        .headers = &header,
        .header_count = 1,
        .body = buf_view(&body),
        .connect_ms_max = LOG_WITNESSES_CONNECT_MS,
        .call_ms_max = LOG_WITNESSES_CALL_MS,
        .private_allowed = all->options.private_allowed,
    };
    struct http_out_response response;
    status = all->ports.http->call(all->ports.http, &call, &response, &answer, out_error);
    if (status != STATUS_OK) return status;
    const struct witness_asked asked = { asking->text, request.old_size, &member->witness->key };
    witness_answer_read(response.status, buf_view(&answer), &asked, out_answer, out_error);
    return STATUS_OK;
}

/* It has cosigned more than the candidate has: more than was ever signed here? */
static bool is_ahead(struct member *member, uint64_t size, struct error *out_error)
{
    struct log_relay_status now;
    log_relay_get_status(member->all->relay, &now);
    if (size <= now.signed_.size) return false;
    (void)error_set(out_error, STATUS_CONFLICT, /* the state says it */
                    "it has seen a longer log: this one was rolled back, or is not the only one");
    error_detail(out_error, "%llu leaves, and %llu are signed here", (unsigned long long)size,
                 (unsigned long long)now.signed_.size);
    return true;
}

/* Asks, and again from where the witness says it is. */
static enum log_witness_state ask(struct member *member, const struct asking *asking,
                                  struct witness_answer *out_answer, struct error *out_error)
{
    for (unsigned i = 0; i <= RESUBMISSIONS_MAX; i++) {
        if (submit(member, asking, out_answer, out_error) != STATUS_OK) return LOG_WITNESS_FAILS;
        switch (out_answer->kind) {
        case WITNESS_ANSWER_COSIGNED:
            member->known_size = asking->head.size;
            return LOG_WITNESS_COSIGNS;
        case WITNESS_ANSWER_OTHER_SIZE: break;
        case WITNESS_ANSWER_FORKED: return LOG_WITNESS_CONTRADICTS;
        case WITNESS_ANSWER_REFUSED: return LOG_WITNESS_REFUSES;
        case WITNESS_ANSWER_FAILED: return LOG_WITNESS_FAILS;
        }
        if (is_ahead(member, out_answer->size, out_error)) return LOG_WITNESS_CONTRADICTS;
        if (out_answer->size > asking->head.size) break;
        member->known_size = out_answer->size;
    }
    (void)error_set(out_error, STATUS_UNAVAILABLE, /* the state says it */
                    "it keeps naming another size to go on from");
    return LOG_WITNESS_FAILS;
}

/* Under the monitor. */
static void answer_take(struct member *member, const struct asking *asking,
                        enum log_witness_state state, const struct witness_answer *answer,
                        const struct error *error)
{
    struct log_witnesses *all = member->all;
    struct monotonic_time now = clock_monotonic(all->ports.clock);
    enum log_witness_state before = member->status.state;
    member->status.state = state;
    if (state == LOG_WITNESS_COSIGNS) {
        member->status.cosigned++;
        member->status.size = asking->head.size;
        member->backoff_ms = 0;
        if (asking->head.size == all->candidate.size) {
            memcpy(member->cosignature, answer->cosignature, sizeof member->cosignature);
            member->has_cosigned = true;
            all->cosigned++;
            candidate_show(all);
        }
    } else {
        member->status.failed++;
        member->status.fault = *error;
        bool again_soon = state == LOG_WITNESS_FAILS;
        uint32_t next = member->backoff_ms == 0 ? LOG_WITNESSES_BACKOFF_MS : 2 * member->backoff_ms;
        bool most = !again_soon || next > LOG_WITNESSES_BACKOFF_MS_MAX;
        member->backoff_ms = most ? LOG_WITNESSES_BACKOFF_MS_MAX : next;
        member->wait_until.ns = now.ns + (int64_t)member->backoff_ms * NS_PER_MS;
    }
    if (state != before) state_log(member, state, error);
    quorum_log(all, now);
}

bool log_witnesses_step(struct log_witnesses *witnesses, uint32_t index)
{
    struct member *member = &witnesses->members[index];
    struct asking asking;
    struct monotonic_time now = clock_monotonic(witnesses->ports.clock);
    buf_init(&asking.note, NOTE_ROOM);
    lock(witnesses);
    quorum_log(witnesses, now);
    candidate_take(witnesses, now);
    asking.head = witnesses->candidate;
    bool due = asking.head.size > 0 && !member->has_cosigned && now.ns >= member->wait_until.ns;
    if (due) buf_append_str(&asking.note, buf_view(&witnesses->note));
    unlock(witnesses);
    if (due) {
        struct note note;
        struct witness_answer answer = { 0 };
        struct error error = { 0 };
        enum status status = note_parse(buf_view(&asking.note), &note, &error);
        CHECK(status == STATUS_OK); /* we wrote it */
        asking.text = note.text;
        enum log_witness_state state = ask(member, &asking, &answer, &error);
        lock(witnesses);
        answer_take(member, &asking, state, &answer, &error);
        unlock(witnesses);
    }
    buf_free(&asking.note);
    return due;
}

static void member_body(void *argument)
{
    struct member *member = argument;
    struct log_witnesses *all = member->all;
    struct sync *sync = all->ports.sync;
    uint32_t index = (uint32_t)(member - all->members);
    bool stopping = false;
    while (!stopping) {
        (void)log_witnesses_step(all, index); /* asked or not: it looks again after a while */
        struct monotonic_time until = clock_monotonic(all->ports.clock);
        until.ns += (int64_t)LOG_WITNESSES_POLL_MS * NS_PER_MS;
        lock(all);
        while (!all->stopping && sync->wait(all->monitor, until)) continue;
        stopping = all->stopping;
        unlock(all);
    }
}

/* ---- Life ---- */

enum status log_witnesses_open(struct log_relay *relay, const struct log_witnesses_ports *ports,
                               const struct log_witnesses_options *options,
                               struct log_witnesses **out_witnesses, struct error *out_error)
{
    CHECK(options->count > 0 && options->count <= LOG_WITNESSES_MAX);
    CHECK(options->quorum > 0 && options->quorum <= options->count);
    struct log_witnesses *all = reserve_new(sizeof *all);
    if (all == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the witnesses");
    all->relay = relay;
    all->ports = *ports;
    all->options = *options;
    buf_init(&all->note, NOTE_ROOM);
    all->monitor = ports->sync->monitor_new(ports->sync, "log.witnesses");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < options->count; i++) {
        struct member *member = &all->members[i];
        CHECK(options->witnesses[i].key.kind == NOTE_COSIGNATURE);
        member->all = all;
        member->witness = &options->witnesses[i];
        if (!options->tasks) continue;
        status = ports->sync->spawn(ports->sync, "log.witness", member_body, member, &member->task);
    }
    if (status == STATUS_OK) {
        *out_witnesses = all;
        return STATUS_OK;
    }
    log_witnesses_close(all);
    return error_set(out_error, status, "no task for a witness can be started");
}

void log_witnesses_close(struct log_witnesses *witnesses)
{
    if (witnesses == NULL) return;
    struct sync *sync = witnesses->ports.sync;
    lock(witnesses);
    witnesses->stopping = true;
    sync->wake_all(witnesses->monitor);
    unlock(witnesses);
    for (uint32_t i = 0; i < LOG_WITNESSES_MAX; i++) sync->join(witnesses->members[i].task);
    buf_free(&witnesses->note);
    sync->monitor_free(witnesses->monitor);
    reserve_free(witnesses, sizeof *witnesses);
}

/* ---- What is told ---- */

void log_witnesses_get_status(struct log_witnesses *witnesses,
                              struct log_witnesses_status *out_status)
{
    struct log_relay_status relay;
    log_relay_get_status(witnesses->relay, &relay);
    *out_status = (struct log_witnesses_status){
        .signed_ = relay.signed_.size,
        .shown = relay.shown,
        .count = witnesses->options.count,
    };
    lock(witnesses);
    out_status->candidate = witnesses->candidate.size;
    out_status->cosigned = witnesses->cosigned;
    for (uint32_t i = 0; i < out_status->count; i++) {
        out_status->witnesses[i] = witnesses->members[i].status;
    }
    unlock(witnesses);
}

struct page {
    const struct log_witnesses *all;
    const struct log_witnesses_status *status;
    struct buf *out;
};

static void sample(const struct page *page, const char *name, uint32_t i, uint64_t number)
{
    struct str witness = note_key_name(&page->all->members[i].witness->key);
    metric_labelled_write(page->out, name, "witness", witness, number);
}

static void states_write(const struct page *page)
{
    metric_head_write(page->out, "tpwallet_log_witness_state", "gauge",
                      "Of each witness: 0 new, 1 cosigns, 2 fails, 3 refuses, 4 contradicts");
    for (uint32_t i = 0; i < page->status->count; i++) {
        sample(page, "tpwallet_log_witness_state", i, page->status->witnesses[i].state);
    }
}

void log_witnesses_write_metrics(struct log_witnesses *witnesses, struct buf *out_page)
{
    struct log_witnesses_status status;
    log_witnesses_get_status(witnesses, &status);
    const struct page page = { witnesses, &status, out_page };
    metric_head_write(out_page, "tpwallet_log_quorum", "gauge",
                      "Cosignatures that a checkpoint needs to be shown");
    buf_append_format(out_page, "tpwallet_log_quorum %u\n", witnesses->options.quorum);
    metric_head_write(out_page, "tpwallet_log_witness_behind", "gauge",
                      "Leaves signed that a witness has not cosigned, as far as is known");
    for (uint32_t i = 0; i < status.count; i++) {
        uint64_t size = status.witnesses[i].size;
        sample(&page, "tpwallet_log_witness_behind", i,
               status.signed_ > size ? status.signed_ - size : 0);
    }
    states_write(&page);
    metric_head_write(out_page, "tpwallet_log_cosignatures_total", "counter",
                      "Cosignatures collected");
    for (uint32_t i = 0; i < status.count; i++) {
        sample(&page, "tpwallet_log_cosignatures_total", i, status.witnesses[i].cosigned);
    }
    metric_head_write(out_page, "tpwallet_log_witness_failures_total", "counter",
                      "Calls to a witness that were not cosigned");
    for (uint32_t i = 0; i < status.count; i++) {
        sample(&page, "tpwallet_log_witness_failures_total", i, status.witnesses[i].failed);
    }
}
