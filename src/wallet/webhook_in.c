/* Verification is under the monitor, since prepared keys and scratch serve one task at a time. */
#include "wallet/webhook_in.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "crypto/digest.h"

enum {
    REDO_MS = 1000,
    REDO_PAGE = 64,
    YOUNG_S = 2,
};

struct webhook_in {
    struct lane *lane;
    struct lane_ports ports;
    struct inbox *inbox;
    uint32_t route;
    uint32_t sender_count;
    struct webhook_sender senders[WEBHOOK_SENDERS_MAX];
    struct task *task;
    struct buf redo_bytes; /* of the webhook that is taken up again */
    bool passed;           /* all of them were looked at, the last time then: */
    struct monotonic_time passed_at;
    struct monitor *monitor; /* guards the rest, and the senders' keys */
    bool stopping;
    struct webhook_scratch scratch;
    struct rejections rejections;
    struct webhook_in_status status;
};

const char *webhook_in_result_name(unsigned result)
{
#define WEBHOOK_IN_NAME(name, text) text,
    static const char *const names[] = { WEBHOOK_IN_TABLE(WEBHOOK_IN_NAME) };
#undef WEBHOOK_IN_NAME
    CHECK(result < WEBHOOK_IN_COUNT);
    return names[result];
}

/* ---- Ids ---- */

/* Cut to 128 bits, in the form of a UUIDv8. */
static struct uuid id_of(const char *domain, const char *sender, const char *name)
{
    const struct digest_part parts[] = {
        { domain, strlen(domain) + 1 }, /* with their ends, which keep them apart */
        { sender, strlen(sender) + 1 },
        { name, strlen(name) + 1 },
    };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    struct uuid id;
    memcpy(&id.hi, digest.bytes, sizeof id.hi);
    memcpy(&id.lo, digest.bytes + sizeof id.hi, sizeof id.lo);
    id.hi = (id.hi & ~UINT64_C(0xF000)) | UINT64_C(0x8000);
    id.lo = (id.lo & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    return id;
}

struct uuid webhook_in_key(const char *sender, const char *event)
{
    return id_of("tpwallet webhook event v1", sender, event);
}

struct payment_id webhook_in_chargeback(struct lane_part part, const char *sender,
                                        const char *chargeback)
{
    struct uuid id = id_of("tpwallet chargeback v1", sender, chargeback);
    return (struct payment_id){ lane_own_id(id, part) };
}

/* ---- Logging and counting ---- */

static void kept_log(struct webhook_in *in, const char *sender, uint64_t id, const char *why)
{
    const struct log_field fields[] = {
        { STR("sender"), str_from(sender), 0 },
        { STR("inbox_id"), { NULL, 0 }, (int64_t)id },
        { STR("reason"), str_from(why), 0 },
    };
    log_write(in->ports.log, (struct log_line){
                                 .level = LOG_ERROR,
                                 .event = STR("webhook.kept"),
                                 .message = STR("a webhook could not be acted on: see to it"),
                                 .fields = fields,
                                 .field_count = 3,
                             });
}

static void failure_log(struct webhook_in *in, struct str event, const struct error *error)
{
    const struct log_field field = { STR("detail"), str_from(error->detail), 0 };
    log_write(in->ports.log, (struct log_line){
                                 .level = LOG_ERROR,
                                 .event = event,
                                 .message = str_from(error->message),
                                 .fields = &field,
                                 .field_count = 1,
                             });
}

static enum webhook_in_result counted(struct webhook_in *in, enum webhook_in_result result)
{
    in->ports.sync->lock(in->monitor);
    in->status.results[result]++;
    in->ports.sync->unlock(in->monitor);
    return result;
}

/* ---- Commands ---- */

/* A webhook that is acted on. */
struct act {
    struct webhook_in *in;
    const struct webhook_sender *sender;
    struct trace trace;
    enum status read; /* what event_read() came to; STATUS_UNAVAILABLE: not read yet */
    struct psp_event event;
    const char *why; /* it is kept; static */
    bool postponed;  /* NOT_TAKEN: there is no place for it now, as there may be for others */
};

/* The news in the payment's own trace: whoever sent them knows nothing of it. */
static void news_record(const struct act *act, const struct payment *payment,
                        struct wall_time start)
{
    struct tracer *tracer = act->in->ports.tracer;
    const struct span_subject subject = { payment->trace, payment->id.value, payment->user_ref, 0,
                                          false };
    if (!tracer_wants(tracer, &subject)) return;
    struct uuid news = webhook_in_key(act->sender->name, act->event.id);
    struct span span = {
        .trace = { payment->trace, span_of_id(news) },
        .parent = span_of_id(payment->id.value),
        .kind = SPAN_CONSUMER,
        .name = STR("webhook in"),
        .start = start,
        .end = clock_wall(act->in->ports.clock),
    };
    span_note_text(&span, STR("peer.service"), str_from(act->sender->name));
    span_note_text(&span, STR("cloudevents.event_id"), str_from(act->event.id));
    span_note_id(&span, STR("tpwallet.payment.id"), payment->id.value);
    tracer->record(tracer, &span);
}

/* STATUS_OK: it is durable, whatever the outcome. key nil: what an event only implies. */
static enum status command_run(const struct act *act, const struct payment_command *command,
                               struct uuid key, struct payment_result *out_result)
{
    struct request request = {
        .kind = REQUEST_PAYMENT,
        .route = act->in->route,
        .principal = PRINCIPAL_SYSTEM,
        .trace = act->trace,
        .key = key,
        .root = lane_new_id(act->in->lane),
        .count = 1,
        .payment = command,
        .payment_result = out_result,
    };
    /* Always the same: the event is known by its id, whatever its other bytes are this time. */
    if (!uuid_is_nil(key)) request.fingerprint = key;
    bool traced = act->in->ports.tracer != NULL;
    struct wall_time start = traced ? clock_wall(act->in->ports.clock) : (struct wall_time){ 0 };
    enum status status = lane_run(act->in->lane, &request);
    if (traced && status == STATUS_OK) news_record(act, &out_result->payment, start);
    return status;
}

static struct uuid key_of(const struct act *act)
{
    return webhook_in_key(act->sender->name, act->event.id);
}

static enum webhook_in_result hint_run(struct act *act)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_HINT, .id = act->event.payment };
    command.step_number = act->event.step_number;
    command.reply.answer = act->event.answer;
    memcpy(command.draft.psp, act->sender->name, sizeof command.draft.psp);
    struct payment_result result = { 0 };
    enum status status = command_run(act, &command, key_of(act), &result);
    /* No place among the open payments is no answer for ever, as a key's answer is: once more. */
    if (status == STATUS_OK && result.repeated && result.outcome == PAYMENT_OUTCOME_CAPACITY) {
        status = command_run(act, &command, (struct uuid){ 0 }, &result);
    }
    if (status != STATUS_OK) return WEBHOOK_IN_NOT_TAKEN;
    act->postponed = result.outcome == PAYMENT_OUTCOME_CAPACITY;
    if (act->postponed) return WEBHOOK_IN_NOT_TAKEN;
    if (result.repeated) return WEBHOOK_IN_REPEATED;
    return result.outcome == PAYMENT_OUTCOME_NOT_FOUND ? WEBHOOK_IN_IGNORED : WEBHOOK_IN_DONE;
}

static struct payment_id chargeback_of(const struct act *act)
{
    return webhook_in_chargeback(lane_part(act->in->lane), act->sender->name,
                                 act->event.chargeback);
}

static uint8_t state_told(uint8_t kind)
{
    switch ((enum psp_event_kind)kind) {
    case PSP_EVENT_CHARGEBACK_OPENED: return PAYMENT_STATE_OPENED;
    case PSP_EVENT_CHARGEBACK_WON: return PAYMENT_STATE_WON;
    case PSP_EVENT_CHARGEBACK_LOST: return PAYMENT_STATE_LOST;
    case PSP_EVENT_CHARGEBACK_REVERSED: return PAYMENT_STATE_REVERSED;
    case PSP_EVENT_ORDER:
    case PSP_EVENT_OTHER:
    case PSP_EVENT_COUNT: break;
    }
    CHECK(false); /* no chargeback */
    return PAYMENT_STATE_NONE;
}

static struct payment_command dispute_of(const struct act *act, uint8_t state)
{
    const struct psp_event *event = &act->event;
    struct payment_command command = { .cause = PAYMENT_CAUSE_DISPUTE, .state = state };
    command.draft.kind = PAYMENT_CHARGEBACK;
    command.draft.id = chargeback_of(act);
    command.draft.parent = event->payment;
    command.draft.amount = event->amount;
    command.draft.asset = event->asset;
    memcpy(command.draft.psp, act->sender->name, sizeof command.draft.psp);
    memcpy(command.draft.psp_object, event->chargeback, sizeof command.draft.psp_object);
    return command;
}

/* Where the chargeback stands: NONE, OPENED, or (at rest) any other state. */
static enum status dispute_look(const struct act *act, uint8_t *out_state)
{
    struct payment_id id = chargeback_of(act);
    struct payment payment;
    struct locator locator;
    struct read read = {
        .kind = READ_PAYMENTS,
        .count = 1,
        .ids = &id.value,
        .payments = &payment,
        .locators = &locator,
    };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_SYSTEM, .read = &read };
    enum status status = lane_run(act->in->lane, &request);
    if (status != STATUS_OK) return status;
    bool open = !uuid_is_nil(payment.id.value);
    *out_state = open                       ? payment.state
                 : locator_is_none(locator) ? PAYMENT_STATE_NONE
                                            : PAYMENT_STATE_END;
    return STATUS_OK;
}

/*
 * What must have happened before the event's news, and has not been told yet. What it came to
 * shows in the event's own command: a chargeback whose opening was refused is one that failed.
 */
static enum status dispute_catch_up(const struct act *act)
{
    uint8_t told = state_told(act->event.kind);
    if (told == PAYMENT_STATE_OPENED) return STATUS_OK;
    uint8_t state;
    struct payment_result result = { 0 };
    enum status status = dispute_look(act, &state);
    if (status == STATUS_OK && state == PAYMENT_STATE_NONE) {
        struct payment_command opened = dispute_of(act, PAYMENT_STATE_OPENED);
        status = command_run(act, &opened, (struct uuid){ 0 }, &result);
    }
    bool undecided = state == PAYMENT_STATE_NONE || state == PAYMENT_STATE_OPENED;
    if (status == STATUS_OK && told == PAYMENT_STATE_REVERSED && undecided) {
        struct payment_command lost = dispute_of(act, PAYMENT_STATE_LOST);
        status = command_run(act, &lost, (struct uuid){ 0 }, &result);
    }
    return status;
}

static enum webhook_in_result dispute_run(struct act *act)
{
    const struct psp_event *event = &act->event;
    if (!event->ours || event->asset == 0 || money_is_zero(event->amount) ||
        event->amount.minor > PAYMENT_AMOUNT_MAX) {
        act->why = "chargeback_unclear"; /* money is gone, and nobody can say for which payment */
        return WEBHOOK_IN_KEPT;
    }
    if (dispute_catch_up(act) != STATUS_OK) return WEBHOOK_IN_NOT_TAKEN;
    struct payment_command command = dispute_of(act, state_told(event->kind));
    struct payment_result result = { 0 };
    if (command_run(act, &command, key_of(act), &result) != STATUS_OK) return WEBHOOK_IN_NOT_TAKEN;
    if (result.repeated) return WEBHOOK_IN_REPEATED;
    bool stands = result.outcome == PAYMENT_OUTCOME_OK || result.outcome == PAYMENT_OUTCOME_STATE;
    if (stands && result.payment.state == PAYMENT_STATE_FAILED) {
        act->why =
            "chargeback_not_booked"; /* its opening was refused: nothing of it is in the books */
        return WEBHOOK_IN_KEPT;
    }
    if (!stands) act->why = payment_outcome_code((enum payment_outcome)result.outcome);
    return stands ? WEBHOOK_IN_DONE : WEBHOOK_IN_KEPT;
}

/* Pure; STATUS_UNAVAILABLE: no memory. */
static enum status event_read(const struct webhook_sender *sender, struct str body,
                              struct psp_event *out_event)
{
    struct arena arena;
    if (arena_init(&arena, 2 * body.len + EVENT_READER_SLACK) != STATUS_OK)
        return STATUS_UNAVAILABLE;
    enum status status = sender->event_read(body, &arena, out_event);
    arena_done(&arena); /* the event holds copies */
    return status == STATUS_OK ? STATUS_OK : STATUS_INVALID;
}

static enum webhook_in_result event_run(struct act *act, struct str body)
{
    if (act->read == STATUS_UNAVAILABLE) act->read = event_read(act->sender, body, &act->event);
    if (act->read == STATUS_UNAVAILABLE) return WEBHOOK_IN_NOT_TAKEN;
    if (act->read != STATUS_OK) {
        act->why = "not_understood";
        return WEBHOOK_IN_KEPT;
    }
    if (act->event.kind == PSP_EVENT_OTHER) return WEBHOOK_IN_IGNORED;
    if (act->event.kind != PSP_EVENT_ORDER) return dispute_run(act);
    return act->event.ours ? hint_run(act) : WEBHOOK_IN_IGNORED;
}

/* From the inbox on: acts, and marks what came of it. */
static enum webhook_in_result stored_run(struct act *act, uint64_t id, struct str body)
{
    static const enum inbox_mark marks[WEBHOOK_IN_COUNT] = {
        [WEBHOOK_IN_DONE] = INBOX_MARK_DONE,
        [WEBHOOK_IN_REPEATED] = INBOX_MARK_DONE,
        [WEBHOOK_IN_IGNORED] = INBOX_MARK_IGNORED,
        [WEBHOOK_IN_KEPT] = INBOX_MARK_FAILED,
    };
    struct webhook_in *in = act->in;
    enum webhook_in_result result = event_run(act, body);
    if (result == WEBHOOK_IN_KEPT) kept_log(in, act->sender->name, id, act->why);
    if (marks[result] == INBOX_MARK_NONE) return result;
    struct error error = { 0 };
    if (in->inbox->mark(in->inbox, id, marks[result], &error) != STATUS_OK) {
        failure_log(in, STR("webhook.not_marked"), &error); /* done again: a repeat */
    }
    return result;
}

/* ---- Coming in ---- */

static struct webhook_sender *sender_find(struct webhook_in *in, struct str name)
{
    for (uint32_t i = 0; i < in->sender_count; i++) {
        if (str_equal(name, str_from(in->senders[i].name))) return &in->senders[i];
    }
    return NULL;
}

static void rejection_log(struct webhook_in *in, const struct webhook_arrival *arrival,
                          const struct webhook_verdict *verdict, const char *text)
{
    const struct log_field fields[] = {
        { STR("sender"), arrival->name, 0 },
        { STR("reason"), str_from(webhook_reason_code((enum webhook_reason)verdict->reason)), 0 },
        { STR("detail"), str_from(text), 0 },
        { STR("body_size"), { NULL, 0 }, (int64_t)arrival->message.body.len },
    };
    log_write(in->ports.log, (struct log_line){
                                 .level = LOG_WARNING,
                                 .trace = arrival->trace,
                                 .event = STR("webhook.rejected"),
                                 .message = STR("a webhook was turned away"),
                                 .fields = fields,
                                 .field_count = 4,
                             });
}

static uint32_t keys_list(struct webhook_sender *sender, struct signing_key **out_keys)
{
    for (uint32_t i = 0; i < sender->key_count; i++) out_keys[i] = &sender->keys[i];
    return sender->key_count;
}

/* Keys of the others: for the reason only. */
static uint32_t others_list(struct webhook_in *in, const struct webhook_sender *sender,
                            struct signing_key **out_keys)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->sender_count; i++) {
        if (&in->senders[i] != sender) count += keys_list(&in->senders[i], out_keys + count);
    }
    return count;
}

/* The monitor is held. */
static bool verify(struct webhook_in *in, struct webhook_sender *sender,
                   const struct webhook_arrival *arrival, struct webhook_verdict *out_verdict,
                   bool *out_room)
{
    struct signing_key *keys[SIGNING_KEYS_MAX];
    struct signing_key *others[WEBHOOK_SENDERS_MAX * SIGNING_KEYS_MAX];
    struct wall_time now = clock_wall(in->ports.clock);
    *out_room = rejections_has_room(&in->rejections, now);
    const struct webhook_check check = {
        .policy = &sender->policy,
        .keys = keys,
        .key_count = keys_list(sender, keys),
        .others = others,
        .other_count = others_list(in, sender, others),
        .now = now,
        .diagnose = *out_room,
        .scratch = &in->scratch,
    };
    if (webhook_verify(&check, &arrival->message, out_verdict)) return true;
    const struct rejection_source source = {
        .endpoint = arrival->name,
        .message = &arrival->message,
        .verdict = out_verdict,
        .now = now,
    };
    rejections_add(&in->rejections, &source);
    in->status.rejected[out_verdict->reason]++;
    return false;
}

static bool verified(struct webhook_in *in, struct webhook_sender *sender,
                     const struct webhook_arrival *arrival, char out_text[WEBHOOK_IN_TEXT_SIZE])
{
    struct webhook_verdict verdict;
    bool room = false;
    in->ports.sync->lock(in->monitor);
    bool good = verify(in, sender, arrival, &verdict, &room);
    in->ports.sync->unlock(in->monitor);
    if (good) return true;
    BUF_SCOPE struct buf sentence;
    buf_init(&sentence, 4096);
    buf_append_format(&sentence, "%s: ", webhook_reason_code((enum webhook_reason)verdict.reason));
    webhook_verdict_write(&verdict, &sentence);
    struct str text = buf_view(&sentence);
    size_t len = text.len < WEBHOOK_IN_TEXT_SIZE ? text.len : WEBHOOK_IN_TEXT_SIZE - 1;
    memcpy(out_text, text.data, len);
    out_text[len] = '\0';
    if (room) rejection_log(in, arrival, &verdict, out_text); /* as often as one is kept */
    return false;
}

/* Names compare without case; a credential has no business in the inbox. */
static bool header_is_credential(struct str name)
{
    const struct str credentials[] = { STR("authorization"), STR("cookie") };
    for (size_t i = 0; i < sizeof credentials / sizeof credentials[0]; i++) {
        if (str_equal_caseless(name, credentials[i])) return true;
    }
    return false;
}

static enum status put(const struct act *act, const struct webhook_arrival *arrival,
                       uint64_t *out_id)
{
    struct webhook_in *in = act->in;
    BUF_SCOPE struct buf headers;
    buf_init(&headers, INBOX_HEADERS_SIZE_MAX);
    for (uint32_t i = 0; i < arrival->message.header_count; i++) {
        const struct webhook_header *header = &arrival->message.headers[i];
        if (header_is_credential(header->name)) continue;
        buf_append_format(&headers, "%.*s: %.*s\n", STR_ARG(header->name), STR_ARG(header->value));
    }
    struct inbox_webhook webhook = {
        .received_at = clock_wall(in->ports.clock),
        .headers = buf_view(&headers), /* at most what fits */
        .body = arrival->message.body,
    };
    memcpy(webhook.endpoint, act->sender->name, sizeof act->sender->name);
    if (act->read == STATUS_OK && act->event.ours) webhook.about = act->event.payment.value;
    struct error error = { 0 };
    enum status status = in->inbox->put(in->inbox, &webhook, out_id, &error);
    if (status != STATUS_OK) failure_log(in, STR("webhook.not_stored"), &error);
    return status;
}
_Static_assert((int)PSP_NAME_SIZE <= (int)INBOX_ENDPOINT_SIZE, "a sender's name fits");

enum webhook_in_result webhook_in_receive(struct webhook_in *in,
                                          const struct webhook_arrival *arrival,
                                          char out_text[WEBHOOK_IN_TEXT_SIZE])
{
    out_text[0] = '\0';
    struct webhook_sender *sender = sender_find(in, arrival->name);
    if (sender == NULL) return counted(in, WEBHOOK_IN_UNKNOWN);
    if (!verified(in, sender, arrival, out_text)) return counted(in, WEBHOOK_IN_REJECTED);
    uint64_t id = 0;
    struct act act = { .in = in, .sender = sender, .trace = arrival->trace };
    act.read = event_read(sender, arrival->message.body, &act.event);
    if (put(&act, arrival, &id) != STATUS_OK) return counted(in, WEBHOOK_IN_NOT_STORED);
    return counted(in, stored_run(&act, id, arrival->message.body));
}

/* ---- What came about a payment ---- */

/* An event of the payment's order; or, of a chargeback that is a payment, one of its own. */
static bool is_about(const struct webhook_in *in, const struct payment *payment,
                     const struct webhook_told *told, const struct psp_event *event)
{
    if (payment->kind != PAYMENT_CHARGEBACK) return true;
    struct lane_part part = lane_part(in->lane);
    struct payment_id id = webhook_in_chargeback(part, told->sender, event->chargeback);
    return event->chargeback[0] != '\0' && uuid_equal(id.value, payment->id.value);
}

/* STATUS_NOT_FOUND: it is about something else, or gone. */
static enum status told_read(struct webhook_in *in, const struct payment *payment, uint64_t id,
                             struct webhook_told *out_told, struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    struct inbox_webhook webhook;
    enum status status = in->inbox->read(in->inbox, id, &webhook, &bytes, out_error);
    if (status != STATUS_OK) return status;
    *out_told = (struct webhook_told){ .received_at = webhook.received_at, .mark = webhook.mark };
    memcpy(out_told->sender, webhook.endpoint,
           sizeof out_told->sender - 1); /* zeroed: terminated */
    const struct webhook_sender *sender = sender_find(in, str_from(webhook.endpoint));
    if (sender == NULL) return STATUS_OK; /* nobody can read it any more */
    struct psp_event event = { 0 };
    if (event_read(sender, webhook.body, &event) != STATUS_OK) return STATUS_OK;
    if (!is_about(in, payment, out_told, &event)) return STATUS_NOT_FOUND;
    out_told->is_read = true;
    out_told->kind = event.kind;
    memcpy(out_told->event, event.id, sizeof out_told->event);
    out_told->key = webhook_in_key(sender->name, event.id);
    return STATUS_OK;
}

enum status webhook_in_told(struct webhook_in *in, const struct payment *payment,
                            struct webhook_told out_told[WEBHOOK_TOLD_MAX], uint32_t *out_count,
                            struct error *out_error)
{
    bool chargeback = payment->kind == PAYMENT_CHARGEBACK;
    struct inbox_subject subject = { .about =
                                         chargeback ? payment->parent.value : payment->id.value,
                                     .limit = WEBHOOK_TOLD_MAX };
    uint64_t ids[WEBHOOK_TOLD_MAX];
    uint32_t found = WEBHOOK_TOLD_MAX;
    uint32_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && found == WEBHOOK_TOLD_MAX && count < WEBHOOK_TOLD_MAX) {
        status = in->inbox->find(in->inbox, &subject, ids, &found, out_error);
        for (uint32_t i = 0; status == STATUS_OK && i < found && count < WEBHOOK_TOLD_MAX; i++) {
            subject.after = ids[i];
            status = told_read(in, payment, ids[i], &out_told[count], out_error);
            if (status == STATUS_OK) count++;
            if (status == STATUS_NOT_FOUND) status = STATUS_OK;
        }
    }
    if (status == STATUS_OK) *out_count = count;
    return status;
}

/* ---- Again ---- */

/*
 * Each refusal is journaled, so what has waited long is tried seldom: when its age doubles, or was
 * not looked at since. Ages of a clock that was set back are none.
 */
static bool is_due(int64_t age_ns, int64_t since_ns)
{
    int64_t at_ns = YOUNG_S * NS_PER_S; /* before, whoever stored it is still at it */
    if (age_ns < 0) return true;
    if (age_ns < at_ns) return false;
    while (at_ns <= age_ns / 2) at_ns *= 2;
    return age_ns - at_ns < since_ns;
}

/* False: the lane, or the inbox, cannot go on now. */
static bool redo_one(struct webhook_in *in, uint64_t id, int64_t since_ns)
{
    struct inbox_webhook webhook;
    struct error error = { 0 };
    enum status status = in->inbox->read(in->inbox, id, &webhook, &in->redo_bytes, &error);
    if (status == STATUS_NOT_FOUND) return true; /* trimmed meanwhile */
    if (status != STATUS_OK) {
        failure_log(in, STR("webhook.not_read"), &error);
        return false;
    }
    int64_t age_ns = clock_wall(in->ports.clock).ns - webhook.received_at.ns;
    if (webhook.mark != INBOX_MARK_NONE || !is_due(age_ns, since_ns)) return true;
    struct act act = { .in = in,
                       .sender = sender_find(in, str_from(webhook.endpoint)),
                       .read = STATUS_UNAVAILABLE };
    if (act.sender == NULL) return true; /* it waits until its sender is configured again */
    if (stored_run(&act, id, webhook.body) == WEBHOOK_IN_NOT_TAKEN) return act.postponed;
    in->ports.sync->lock(in->monitor);
    in->status.redone++;
    in->ports.sync->unlock(in->monitor);
    return true;
}

static bool stopping(struct webhook_in *in)
{
    in->ports.sync->lock(in->monitor);
    bool stop = in->stopping;
    in->ports.sync->unlock(in->monitor);
    return stop;
}

static void redo_all(struct webhook_in *in)
{
    int64_t now_ns = clock_monotonic(in->ports.clock).ns;
    int64_t since_ns = in->passed ? now_ns - in->passed_at.ns : INT64_MAX;
    uint64_t ids[REDO_PAGE];
    uint64_t after = 0;
    uint32_t count = REDO_PAGE;
    while (count == REDO_PAGE && !stopping(in)) {
        struct error error = { 0 };
        if (in->inbox->unmarked(in->inbox, after, ids, REDO_PAGE, &count, &error) != STATUS_OK) {
            failure_log(in, STR("webhook.not_listed"), &error);
            return;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (!redo_one(in, ids[i], since_ns)) return;
            after = ids[i];
        }
    }
    in->passed = true;
    in->passed_at.ns = now_ns;
}

static void old_trim(struct webhook_in *in)
{
    uint32_t count = 1;
    struct error error = { 0 };
    while (count > 0 && !stopping(in)) {
        enum status status =
            in->inbox->trim(in->inbox, clock_wall(in->ports.clock), &count, &error);
        if (status == STATUS_OK) continue;
        failure_log(in, STR("webhook.not_trimmed"), &error);
        return;
    }
}

void webhook_in_step(struct webhook_in *in)
{
    redo_all(in);
    old_trim(in);
}

static void redo_body(void *argument)
{
    struct webhook_in *in = argument;
    struct sync *sync = in->ports.sync;
    while (!stopping(in)) {
        webhook_in_step(in);
        const struct monotonic_time until = { clock_monotonic(in->ports.clock).ns +
                                              REDO_MS * NS_PER_MS };
        sync->lock(in->monitor);
        while (!in->stopping && clock_monotonic(in->ports.clock).ns < until.ns) {
            (void)sync->wait(in->monitor, until); /* woken early: looked at again */
        }
        sync->unlock(in->monitor);
    }
}

/* ---- Life ---- */

static void sender_copy(const struct webhook_sender *sender, struct webhook_sender *out_sender)
{
    memcpy(out_sender->name, sender->name, sizeof out_sender->name);
    out_sender->event_read = sender->event_read;
    out_sender->policy = sender->policy;
    out_sender->key_count = sender->key_count;
    memcpy(out_sender->keys, sender->keys, sizeof out_sender->keys);
}

enum status webhook_in_open(const struct webhook_in_options *options, struct webhook_in **out_in,
                            struct error *out_error)
{
    CHECK(options->sender_count > 0 && options->sender_count <= WEBHOOK_SENDERS_MAX);
    struct webhook_in *in = reserve_new(sizeof *in);
    if (in == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for webhooks");
    in->lane = options->lane;
    in->ports = options->ports;
    in->inbox = options->inbox;
    in->route = options->route;
    in->sender_count = options->sender_count;
    for (uint32_t i = 0; i < options->sender_count; i++) {
        sender_copy(&options->senders[i], &in->senders[i]);
    }
    buf_init(&in->redo_bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    buf_init(&in->scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&in->scratch.form, WEBHOOK_SCRATCH_SIZE);
    struct sync *sync = in->ports.sync;
    in->monitor = sync->monitor_new(sync, "webhook_in");
    enum status status = STATUS_OK;
    if (!options->stepped) status = sync->spawn(sync, "webhook_redo", redo_body, in, &in->task);
    if (status != STATUS_OK) {
        in->task = NULL;
        webhook_in_close(in);
        return error_set(out_error, status, "the task of webhooks cannot be started");
    }
    *out_in = in;
    return STATUS_OK;
}

void webhook_in_close(struct webhook_in *in)
{
    if (in == NULL) return;
    struct sync *sync = in->ports.sync;
    sync->lock(in->monitor);
    in->stopping = true;
    sync->wake_all(in->monitor);
    sync->unlock(in->monitor);
    if (in->task != NULL) sync->join(in->task);
    sync->monitor_free(in->monitor);
    for (uint32_t i = 0; i < in->sender_count; i++) {
        for (uint32_t at = 0; at < in->senders[i].key_count; at++) {
            signing_key_done(&in->senders[i].keys[at]);
        }
    }
    buf_free(&in->redo_bytes);
    buf_free(&in->scratch.message);
    buf_free(&in->scratch.form);
    reserve_free(in, sizeof *in);
}

void webhook_in_get_status(struct webhook_in *in, struct webhook_in_status *out_status)
{
    in->ports.sync->lock(in->monitor);
    *out_status = in->status;
    in->ports.sync->unlock(in->monitor);
}

bool webhook_in_rejection(struct webhook_in *in, uint64_t index, struct rejection *out_rejection)
{
    in->ports.sync->lock(in->monitor);
    const struct rejection *found = rejections_at(&in->rejections, index);
    if (found != NULL) *out_rejection = *found;
    in->ports.sync->unlock(in->monitor);
    return found != NULL;
}
