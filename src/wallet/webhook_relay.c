/*
 * A slot is busy while somebody works on its endpoint: a worker, or a call about it. Whoever is
 * busy with it has it alone, without the monitor; everybody else looks at `busy` first.
 */
#include "wallet/webhook_relay.h"

#include "base/check.h"
#include "base/reserve.h"
#include "wallet/webhook_attempt.h"

enum { LETTERS_PAGE = 16 };

const struct webhook_relay_options WEBHOOK_RELAY_OPTIONS_DEFAULT = {
    .endpoints_max = 256,
    .workers = 8,
    .connect_ms_max = 5000,
    .call_ms_max = 15000,
    .poll_ms = 1000,
    .policy = { 5000, 6 * 3600 * 1000, 16, 5 * 86400, 100 },
};

struct slot {
    bool used;
    bool busy;
    bool redrives;                    /* there may be letters to be tried again */
    uint64_t seen_wakes;              /* when the feed was found to be at its end */
    struct monotonic_time idle_until; /* not before, but for a wake when at_end */
    bool at_end;
    struct webhook_endpoint endpoint;
    struct relay_state state;
};

struct worker {
    struct webhook_relay *relay;
    struct task *task;
    struct attempt_memory memory;
    struct prng prng;
};

struct webhook_relay {
    struct webhook_relay_ports ports;
    struct webhook_relay_options options;
    size_t reserved_size;
    struct monitor *monitor; /* of all below, but for slots that are busy */
    uint64_t wakes;
    struct webhook_relay_counts counts;
    bool stopping;
    uint32_t turn; /* where to look for work first */
    uint32_t worker_count;
    struct worker workers[RELAY_WORKERS_MAX];
    struct slot slots[]; /* options.endpoints_max */
};

/* ---- one endpoint's work: the slot is busy ---- */

static void save(struct webhook_relay *relay, struct slot *slot)
{
    /* What is not saved is delivered again after a restart. */
    (void)relay->ports.store->save(relay->ports.store, &slot->state, NULL, NULL);
}

static void idle(struct webhook_relay *relay, struct slot *slot, bool at_end)
{
    int64_t now_ns = clock_monotonic(relay->ports.clock).ns;
    slot->idle_until.ns = now_ns + (int64_t)relay->options.poll_ms * NS_PER_MS;
    slot->at_end = at_end;
}

static void counts_add(struct webhook_relay *relay, struct webhook_relay_counts more)
{
    relay->ports.sync->lock(relay->monitor);
    relay->counts.delivered += more.delivered;
    relay->counts.failed += more.failed;
    relay->counts.dead += more.dead;
    relay->ports.sync->unlock(relay->monitor);
}

static bool is_watched(struct webhook_relay *relay, const struct feed_event *event)
{
    struct span_subject subject = { .trace = event->trace.id };
    /* The subject of a payment's event is the payment. */
    if (uuid_parse(event->subject, &subject.payment) != STATUS_OK) subject.payment.hi = 0;
    return tracer_wants(relay->ports.tracer, &subject);
}

/* What stands between "//" and the next '/': a path may hold a secret, and is not told. */
static struct str host_of(const char *url)
{
    struct str text = str_from(url);
    size_t from = 0;
    while (from + 1 < text.len && !(text.data[from] == '/' && text.data[from + 1] == '/')) from++;
    from = from + 2 < text.len ? from + 2 : text.len;
    size_t end = from;
    while (end < text.len && text.data[end] != '/' && text.data[end] != '?') {
        end++;
        if (text.data[end - 1] == '@') from = end; /* nor is a password */
    }
    return (struct str){ text.data + from, end - from };
}

static void attempt_record(struct webhook_relay *relay, const struct attempt *attempt,
                           const struct attempt_result *result)
{
    const struct feed_event *event = attempt->event;
    struct span span = {
        .trace = attempt->trace,
        .parent = event->trace.span,
        .kind = SPAN_CLIENT,
        .name = STR("webhook out"),
        .method = STR("POST"),
        .http_status = result->http_status,
        .failed = !result->delivered,
        .start = attempt->now,
        .end = clock_wall(relay->ports.clock),
    };
    span_note_text(&span, STR("server.address"), host_of(attempt->endpoint->url));
    span_note_text(&span, STR("cloudevents.event_id"), event->id);
    span_note_text(&span, STR("cloudevents.event_type"), event->type);
    span_note_id(&span, STR("tpwallet.endpoint.id"), attempt->endpoint->id);
    if (str_starts(event->type, STR("payment.")))
        span_note_text(&span, STR("tpwallet.payment.id"), event->subject);
    span_note_number(&span, STR("tpwallet.webhook.sequence"), attempt->delivery.sequence);
    relay->ports.tracer->record(relay->ports.tracer, &span);
}

static struct attempt_result send_event(struct webhook_relay *relay, struct slot *slot,
                                        struct worker *worker, const struct feed_event *event,
                                        struct event_delivery delivery)
{
    struct attempt attempt = {
        .endpoint = &slot->endpoint,
        .event = event,
        .delivery = delivery,
        .trace = event->trace,
        .watched = is_watched(relay, event),
        .now = clock_wall(relay->ports.clock),
        .connect_ms_max = relay->options.connect_ms_max,
        .call_ms_max = relay->options.call_ms_max,
        .private_allowed = relay->options.private_allowed,
    };
    if (attempt.watched) attempt.trace.span = prng_next(&worker->prng) | 1;
    struct attempt_result result = attempt_send(&attempt, relay->ports.http, &worker->memory);
    if (attempt.watched) attempt_record(relay, &attempt, &result);
    const struct webhook_relay_counts more = { result.delivered, !result.delivered, 0 };
    counts_add(relay, more);
    return result;
}

static void step_over(struct relay_state *state, const struct endpoint_walk *walk)
{
    state->cursor = walk->position;
    state->sequence = walk->sequence;
    state->attempts = 0;
    state->next_at.ns = 0;
}

static void give_up(struct webhook_relay *relay, struct slot *slot,
                    const struct endpoint_walk *walk, struct wall_time now)
{
    const struct dead_letter letter = {
        .endpoint = slot->state.endpoint,
        .sequence = walk->sequence,
        .position = walk->position,
        .at = now,
        .attempts = slot->state.attempts,
        .http_status = slot->state.http_status,
    };
    struct relay_state state = slot->state;
    step_over(&state, walk);
    state.passed++;
    /* A letter that is not kept must not be passed: it would be lost. */
    if (relay->ports.store->save(relay->ports.store, &state, &letter, NULL) == STATUS_OK) {
        slot->state = state;
        counts_add(relay, (struct webhook_relay_counts){ .dead = 1 });
    } else {
        idle(relay, slot, false);
    }
}

static void disable(struct webhook_relay *relay, struct slot *slot)
{
    slot->state.disabled = true;
    save(relay, slot);
    if (relay->options.on_disabled == NULL) return;
    relay->options.on_disabled(relay->options.owner, &slot->state);
}

static void failed(struct webhook_relay *relay, struct slot *slot, struct worker *worker,
                   const struct endpoint_walk *walk, const struct attempt_result *result)
{
    struct relay_state *state = &slot->state;
    struct wall_time now = clock_wall(relay->ports.clock);
    if (state->attempts < UINT32_MAX) state->attempts++;
    if (state->failing_at.ns == 0) state->failing_at = now;
    state->http_status = result->http_status;
    const struct delivery_record record = { state->attempts, state->passed, state->failing_at,
                                            result->gone };
    switch (delivery_judge(&relay->options.policy, &record, now)) {
    case DELIVERY_RETRY:
        state->next_at.ns =
            now.ns + (int64_t)delivery_delay_ms(&relay->options.policy, state->attempts,
                                                result->retry_after_s, &worker->prng) *
                         NS_PER_MS;
        save(relay, slot);
        break;
    case DELIVERY_DEAD_LETTER: give_up(relay, slot, walk, now); break;
    case DELIVERY_DISABLE: disable(relay, slot); break;
    }
}

static void deliver(struct webhook_relay *relay, struct slot *slot, struct worker *worker)
{
    struct relay_state *state = &slot->state;
    struct endpoint_walk walk = { state->cursor, state->sequence };
    struct feed_event event;
    enum status status = endpoint_walk_next(&slot->endpoint, relay->ports.feed, &walk,
                                            &worker->memory.event, &event, NULL);
    if (status != STATUS_OK) {
        state->cursor = walk.position; /* what was not wanted is behind us */
        if (status == STATUS_TIMEOUT) save(relay, slot);
        if (status != STATUS_TIMEOUT) idle(relay, slot, status == STATUS_NOT_FOUND);
        return;
    }
    const struct event_delivery delivery = { walk.sequence, state->passed, false };
    struct attempt_result result = send_event(relay, slot, worker, &event, delivery);
    if (!result.delivered) {
        failed(relay, slot, worker, &walk, &result);
        return;
    }
    step_over(state, &walk);
    state->passed = 0;
    state->failing_at.ns = 0;
    state->http_status = result.http_status;
    save(relay, slot);
}

/* ---- dead letters, tried again ---- */

/* STATUS_NOT_FOUND: none is to be tried. */
static enum status letter_find(struct webhook_relay *relay, struct uuid endpoint,
                               struct dead_letter *out_letter)
{
    struct dead_letter page[LETTERS_PAGE];
    struct relay_store *store = relay->ports.store;
    uint64_t above = 0;
    uint32_t count = LETTERS_PAGE;
    while (count == LETTERS_PAGE) {
        enum status status = store->letters(store, endpoint, above, page, LETTERS_PAGE, &count);
        if (status != STATUS_OK) return status;
        for (uint32_t i = 0; i < count; i++) {
            above = page[i].sequence;
            if (!page[i].redrive) continue;
            *out_letter = page[i];
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

static void redrive(struct webhook_relay *relay, struct slot *slot, struct worker *worker)
{
    struct relay_store *store = relay->ports.store;
    struct event_feed *feed = relay->ports.feed;
    struct dead_letter letter;
    struct feed_event event;
    enum status status = letter_find(relay, slot->state.endpoint, &letter);
    if (status == STATUS_NOT_FOUND) slot->redrives = false;
    if (status == STATUS_OK) {
        status =
            feed->next(feed, position_before(letter.position), &worker->memory.event, &event, NULL);
    }
    if (status != STATUS_OK) {
        if (slot->redrives) idle(relay, slot, false); /* store or feed do not answer now */
        return;
    }
    struct attempt_result result = { .delivered = false };
    if (position_compare(event.position, letter.position) == 0) { /* else of another journal */
        const struct event_delivery delivery = { letter.sequence, 0, true };
        result = send_event(relay, slot, worker, &event, delivery);
    }
    if (result.delivered) {
        status = store->remove(store, slot->state.endpoint, letter.sequence, NULL);
    } else {
        letter.redrive = false;
        letter.attempts++;
        letter.http_status = result.http_status;
        letter.at = clock_wall(relay->ports.clock);
        status = store->save(store, &slot->state, &letter, NULL);
    }
    if (status != STATUS_OK) idle(relay, slot, false); /* it is sent again: at least once */
}

/* ---- who is next: the monitor is held ---- */

static bool is_due(const struct webhook_relay *relay, const struct slot *slot)
{
    if (!slot->used || slot->busy) return false;
    if (slot->endpoint.state != ENDPOINT_ACTIVE || slot->state.disabled) return false;
    bool woken = slot->at_end && slot->seen_wakes != relay->wakes;
    if (!woken && clock_monotonic(relay->ports.clock).ns < slot->idle_until.ns) return false;
    return slot->redrives || clock_wall(relay->ports.clock).ns >= slot->state.next_at.ns;
}

static struct slot *pick_due(struct webhook_relay *relay)
{
    for (uint32_t i = 0; i < relay->options.endpoints_max; i++) {
        uint32_t at = (relay->turn + i) % relay->options.endpoints_max;
        struct slot *slot = &relay->slots[at];
        if (!is_due(relay, slot)) continue;
        relay->turn = at + 1;
        slot->busy = true;
        slot->seen_wakes = relay->wakes;
        slot->idle_until.ns = 0;
        slot->at_end = false;
        return slot;
    }
    return NULL;
}

static void release(struct webhook_relay *relay, struct slot *slot)
{
    slot->busy = false;
    relay->ports.sync->wake_all(relay->monitor);
}

/* ---- workers ---- */

/* The monitor is held, and given away meanwhile. False: nothing is due. */
static bool work_once(struct webhook_relay *relay, struct worker *worker)
{
    struct slot *slot = pick_due(relay);
    if (slot == NULL) return false;
    relay->ports.sync->unlock(relay->monitor);
    if (slot->redrives) {
        redrive(relay, slot, worker);
    } else {
        deliver(relay, slot, worker);
    }
    relay->ports.sync->lock(relay->monitor);
    release(relay, slot);
    return true;
}

static bool is_empty(const struct webhook_relay *relay)
{
    for (uint32_t i = 0; i < relay->options.endpoints_max; i++)
        if (relay->slots[i].used) return false;
    return true;
}

static void worker_body(void *argument)
{
    struct worker *worker = argument;
    struct webhook_relay *relay = worker->relay;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    while (!relay->stopping) {
        if (work_once(relay, worker)) continue;
        struct monotonic_time until = MONOTONIC_NEVER; /* whoever adds an endpoint wakes all */
        if (!is_empty(relay))
            until.ns = clock_monotonic(relay->ports.clock).ns +
                       (int64_t)relay->options.poll_ms * NS_PER_MS;
        (void)sync->wait(relay->monitor, until); /* a wake, or time to look again */
    }
    sync->unlock(relay->monitor);
}

bool webhook_relay_step(struct webhook_relay *relay)
{
    CHECK(relay->options.workers == 0);
    relay->ports.sync->lock(relay->monitor);
    bool worked = work_once(relay, &relay->workers[0]);
    relay->ports.sync->unlock(relay->monitor);
    return worked;
}

void webhook_relay_get_counts(struct webhook_relay *relay, struct webhook_relay_counts *out_counts)
{
    relay->ports.sync->lock(relay->monitor);
    *out_counts = relay->counts;
    relay->ports.sync->unlock(relay->monitor);
}

void webhook_relay_wake(struct webhook_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    relay->wakes++;
    relay->ports.sync->wake_all(relay->monitor);
    relay->ports.sync->unlock(relay->monitor);
}

/* ---- calls about one endpoint ---- */

/* NULL: it is not there. Else it is busy, and the caller's; the monitor is not held. */
static struct slot *claim(struct webhook_relay *relay, struct uuid endpoint)
{
    struct sync *sync = relay->ports.sync;
    struct slot *found = NULL;
    bool wait = true;
    sync->lock(relay->monitor);
    while (wait) {
        found = NULL;
        for (uint32_t i = 0; i < relay->options.endpoints_max && found == NULL; i++) {
            struct slot *slot = &relay->slots[i];
            if (slot->used && uuid_equal(slot->state.endpoint, endpoint)) found = slot;
        }
        wait = found != NULL && found->busy;
        if (wait) (void)sync->wait(relay->monitor, MONOTONIC_NEVER); /* for its release */
    }
    if (found != NULL) found->busy = true;
    sync->unlock(relay->monitor);
    return found;
}

static void unclaim(struct webhook_relay *relay, struct slot *slot)
{
    relay->ports.sync->lock(relay->monitor);
    release(relay, slot);
    relay->ports.sync->unlock(relay->monitor);
}

static struct slot *claim_free(struct webhook_relay *relay, struct uuid endpoint)
{
    relay->ports.sync->lock(relay->monitor);
    struct slot *slot = NULL;
    for (uint32_t i = 0; i < relay->options.endpoints_max && slot == NULL; i++) {
        if (!relay->slots[i].used) slot = &relay->slots[i];
    }
    if (slot != NULL) {
        *slot = (struct slot){ .used = true, .busy = true, .redrives = true };
        slot->state.endpoint = endpoint; /* so that a second one finds it */
    }
    relay->ports.sync->unlock(relay->monitor);
    return slot;
}

static void slot_drop(struct webhook_relay *relay, struct slot *slot)
{
    relay->ports.sync->lock(relay->monitor);
    endpoint_done(&slot->endpoint);
    *slot = (struct slot){ .used = false };
    relay->ports.sync->wake_all(relay->monitor);
    relay->ports.sync->unlock(relay->monitor);
}

enum status webhook_relay_add(struct webhook_relay *relay, const struct webhook_endpoint *endpoint,
                              struct error *out_error)
{
    struct relay_store *store = relay->ports.store;
    struct slot *slot = claim(relay, endpoint->id);
    if (slot != NULL) {
        unclaim(relay, slot);
        return error_set(out_error, STATUS_CONFLICT, "the endpoint is there already");
    }
    slot = claim_free(relay, endpoint->id);
    if (slot == NULL) {
        return error_set(out_error, STATUS_LIMIT, "there are %u endpoints, the maximum",
                         relay->options.endpoints_max);
    }
    struct relay_state state = { .endpoint = endpoint->id };
    enum status status = store->load(store, endpoint->id, &state, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        slot_drop(relay, slot);
        return status;
    }
    /* An endpoint changed behind what was saved: what lies between was delivered before. */
    if (status == STATUS_NOT_FOUND || position_compare(state.cursor, endpoint->since) < 0) {
        state.cursor = endpoint->since;
        state.sequence = endpoint->sequence_base;
    }
    slot->state = state;
    slot->endpoint = *endpoint;
    unclaim(relay, slot);
    return STATUS_OK;
}

enum status webhook_relay_change(struct webhook_relay *relay, struct uuid endpoint,
                                 webhook_change change, void *owner)
{
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    struct webhook_endpoint copy = slot->endpoint;
    copy.since = slot->state.cursor;
    copy.sequence_base = slot->state.sequence;
    enum status status = change(owner, &copy);
    if (status == STATUS_OK) {
        CHECK(uuid_equal(copy.id, endpoint));
        slot->endpoint = copy;
    }
    endpoint_done(&copy);
    unclaim(relay, slot);
    return status;
}

enum status webhook_relay_remove(struct webhook_relay *relay, struct uuid endpoint,
                                 struct error *out_error)
{
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    enum status status = relay->ports.store->forget(relay->ports.store, endpoint, out_error);
    if (status == STATUS_OK) {
        slot_drop(relay, slot);
    } else {
        unclaim(relay, slot);
    }
    return status;
}

enum status webhook_relay_state(struct webhook_relay *relay, struct uuid endpoint,
                                struct relay_state *out_state)
{
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    *out_state = slot->state;
    unclaim(relay, slot);
    return STATUS_OK;
}

enum status webhook_relay_enable(struct webhook_relay *relay, struct uuid endpoint,
                                 struct error *out_error)
{
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    struct relay_state state = slot->state;
    state.disabled = false;
    state.attempts = 0;
    state.next_at.ns = 0;
    state.failing_at.ns = 0;
    enum status status = relay->ports.store->save(relay->ports.store, &state, NULL, out_error);
    if (status == STATUS_OK) slot->state = state;
    unclaim(relay, slot);
    return status;
}

static enum status redrive_page(struct webhook_relay *relay, const struct slot *slot,
                                struct dead_letter *page, uint32_t page_count, uint64_t sequence)
{
    enum status status = STATUS_OK;
    struct relay_store *store = relay->ports.store;
    for (uint32_t i = 0; status == STATUS_OK && i < page_count; i++) {
        if (sequence != 0 && page[i].sequence != sequence) continue;
        page[i].redrive = true;
        status = store->save(store, &slot->state, &page[i], NULL);
    }
    return status;
}

enum status webhook_relay_redrive(struct webhook_relay *relay, struct uuid endpoint,
                                  uint64_t sequence, uint32_t *out_count, struct error *out_error)
{
    struct relay_store *store = relay->ports.store;
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    struct dead_letter page[LETTERS_PAGE];
    uint64_t above = sequence == 0 ? 0 : sequence - 1;
    uint32_t total = 0;
    uint32_t count = 0;
    enum status status = STATUS_OK;
    do {
        uint32_t limit = sequence == 0 ? LETTERS_PAGE : 1;
        status = store->letters(store, endpoint, above, page, limit, &count);
        if (status == STATUS_OK) status = redrive_page(relay, slot, page, count, sequence);
        if (status != STATUS_OK || count == 0) break;
        above = page[count - 1].sequence;
        if (sequence == 0 || above == sequence) total += count;
    } while (sequence == 0 && count == LETTERS_PAGE);
    if (total > 0) slot->redrives = true;
    unclaim(relay, slot);
    if (status == STATUS_OK) *out_count = total;
    return status == STATUS_OK ? STATUS_OK
                               : error_set(out_error, status, "the relay store does not answer");
}

enum status webhook_relay_missed(struct webhook_relay *relay, struct uuid endpoint,
                                 struct missed_question *question, struct buf *memory,
                                 struct missed_answer *out_answer, struct error *out_error)
{
    struct slot *slot = claim(relay, endpoint);
    if (slot == NULL) return STATUS_NOT_FOUND;
    struct webhook_endpoint copy = { .id = endpoint };
    endpoint_take_filters(&copy, &slot->endpoint);
    question->from = (struct endpoint_walk){ slot->state.cursor, slot->state.sequence };
    unclaim(relay, slot);
    question->endpoint = &copy;
    enum status status =
        endpoint_missed(question, relay->ports.feed, memory, out_answer, out_error);
    question->endpoint = NULL; /* it ends here */
    return status;
}

/* ---- life ---- */

static struct webhook_relay *relay_make(const struct webhook_relay_ports *ports,
                                        const struct webhook_relay_options *options)
{
    size_t size = sizeof(struct webhook_relay) + options->endpoints_max * sizeof(struct slot);
    struct webhook_relay *relay = reserve_new(size);
    if (relay == NULL) return NULL;
    relay->ports = *ports;
    relay->options = *options;
    relay->reserved_size = size;
    relay->monitor = ports->sync->monitor_new(ports->sync, "webhook_relay");
    relay->worker_count = options->workers == 0 ? 1 : options->workers;
    for (uint32_t i = 0; i < relay->worker_count; i++) {
        struct worker *worker = &relay->workers[i];
        worker->relay = relay;
        attempt_memory_init(&worker->memory, RELAY_ANSWER_SIZE_MAX);
        prng_init(&worker->prng, options->seed + i);
    }
    return relay;
}

enum status webhook_relay_open(const struct webhook_relay_ports *ports,
                               const struct webhook_relay_options *options,
                               struct webhook_relay **out_relay, struct error *out_error)
{
    CHECK(options->endpoints_max > 0 && options->endpoints_max <= RELAY_ENDPOINTS_MAX);
    CHECK(options->workers <= RELAY_WORKERS_MAX);
    CHECK(options->policy.attempts_max > 0);
    struct webhook_relay *relay = relay_make(ports, options);
    if (relay == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the relay");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < options->workers; i++) {
        status = ports->sync->spawn(ports->sync, "webhook_worker", worker_body, &relay->workers[i],
                                    &relay->workers[i].task);
    }
    if (status != STATUS_OK) {
        webhook_relay_close(relay);
        return error_set(out_error, status, "the relay's tasks cannot be started");
    }
    *out_relay = relay;
    return STATUS_OK;
}

void webhook_relay_close(struct webhook_relay *relay)
{
    if (relay == NULL) return;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    relay->stopping = true;
    sync->wake_all(relay->monitor);
    sync->unlock(relay->monitor);
    for (uint32_t i = 0; i < relay->worker_count; i++) {
        sync->join(relay->workers[i].task);
        attempt_memory_free(&relay->workers[i].memory);
    }
    for (uint32_t i = 0; i < relay->options.endpoints_max; i++) {
        if (relay->slots[i].used) endpoint_done(&relay->slots[i].endpoint);
    }
    sync->monitor_free(relay->monitor);
    reserve_free(relay, relay->reserved_size);
}
