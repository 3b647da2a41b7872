/* Counters are read one by one while they move: each is right, together they may be off by one. */
#include "api/metrics.h"

#include "base/check.h"
#include "base/metric_text.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

/* Of the verifiable log: name, type, help, the value as whole number. */
#define LOG_METRIC_TABLE(X)                                                                        \
    X("tpwallet_log_leaves", GAUGE, "Leaves made of the journal's units", status->size)            \
    X("tpwallet_log_signed_leaves", GAUGE, "Leaves of the newest signed head",                     \
      status->signed_.size)                                                                        \
    X("tpwallet_log_shown_leaves", GAUGE, "Leaves of the checkpoint that readers see",             \
      status->shown)                                                                               \
    X("tpwallet_log_refused", GAUGE, "1 when nothing more is signed, until a person has looked",   \
      status->state == LOG_REFUSED)                                                                \
    X("tpwallet_log_checkpoints_total", COUNTER, "Heads signed", status->checkpoints)              \
    X("tpwallet_log_failures_total", COUNTER, "Rounds that failed and are tried again",            \
      status->failures)

/* One value of the lane each: name, type, help, the value as whole number. */
#define LANE_METRIC_TABLE(X)                                                                       \
    X("tpwallet_accepting", GAUGE, "1 when the ledger takes requests", status->accepting)          \
    X("tpwallet_reloading", GAUGE, "1 while a commit in doubt is being found out",                 \
      status->reloading)                                                                           \
    X("tpwallet_fenced", GAUGE, "1 when another owner has taken over", status->fenced)             \
    X("tpwallet_damaged", GAUGE, "1 when stored data was found damaged", status->damaged)          \
    X("tpwallet_disk_full", GAUGE, "1 when the disk is full and writes are refused", status->full) \
    X("tpwallet_index_stuck", GAUGE, "1 when writes wait until the index can be written",          \
      status->index_fault != STATUS_OK)                                                            \
    X("tpwallet_index_rebuilding", GAUGE, "1 while the index is rebuilt and writes are refused",   \
      status->rebuilding)                                                                          \
    X("tpwallet_index_rebuilt_batch", GAUGE,                                                       \
      "Batch the rebuild has reached; 0 when there is none", status->rebuilt_batch)                \
    X("tpwallet_expiry_paused", GAUGE, "1 when the clock jumped and holds do not expire",          \
      status->expiry_paused)                                                                       \
    X("tpwallet_journal_epoch", GAUGE, "Epoch of this owner", status->head.epoch)                  \
    X("tpwallet_journal_batch", GAUGE, "Newest durable batch", status->head.sequence)              \
    X("tpwallet_journal_bytes_total", COUNTER, "Bytes of batches written", status->journal_bytes)  \
    X("tpwallet_checkpoint_bytes_total", COUNTER, "Bytes of checkpoint slices written",            \
      status->slice_bytes)                                                                         \
    X("tpwallet_accounts", GAUGE, "Accounts", status->account_count)                               \
    X("tpwallet_holds", GAUGE, "Open holds", status->hold_count)                                   \
    X("tpwallet_reversals", GAUGE, "Transfers that were reversed, in whole or in part",            \
      status->reversal_count)                                                                      \
    X("tpwallet_queue_transfers", GAUGE, "Transfers accepted and not yet taken",                   \
      status->queue_transfers)                                                                     \
    X("tpwallet_queue_requests", GAUGE, "Requests accepted and not yet taken",                     \
      status->queue_requests)                                                                      \
    X("tpwallet_index_lag_batches", GAUGE, "Batches whose ids are not yet in sorted runs",         \
      status->head.sequence - status->index_batch)                                                 \
    X("tpwallet_commits_total", COUNTER, "Batches committed", status->commits)                     \
    X("tpwallet_commit_failures_total", COUNTER, "Commits that were refused or in doubt",          \
      status->commit_failures)                                                                     \
    X("tpwallet_units_total", COUNTER, "Units committed", status->units)                           \
    X("tpwallet_repeats_total", COUNTER, "Items that were there before", status->repeats)          \
    X("tpwallet_expiries_total", COUNTER, "Holds that expired", status->expiries)                  \
    X("tpwallet_replayed_records", GAUGE, "Records replayed at the last start",                    \
      status->replayed_records)

/* One value of the payments' workers each. */
#define SAGA_METRIC_TABLE(X)                                                                       \
    X("tpwallet_saga_busy", GAUGE, "Workers with a payment in hand", status->busy)                 \
    X("tpwallet_saga_put_back_total", COUNTER, "Payments that could not be dealt with at once",    \
      status->put_back)                                                                            \
    X("tpwallet_saga_refused_total", COUNTER, "Answers that a payment had no use for",             \
      status->refused)

/* One value of the streams of events each. */
#define STREAMS_METRIC_TABLE(X)                                                                    \
    X("tpwallet_event_streams", GAUGE, "Streams of events that are open", status->open)            \
    X("tpwallet_event_streams_refused_total", COUNTER, "Streams refused, as there were too many",  \
      status->refused)                                                                             \
    X("tpwallet_event_streams_revoked_total", COUNTER, "Streams ended, as the key was revoked",    \
      status->revoked)                                                                             \
    X("tpwallet_event_stream_events_total", COUNTER, "Events sent to streams, each to each",       \
      status->events)                                                                              \
    X("tpwallet_event_stream_heartbeats_total", COUNTER, "Heartbeats sent to streams",             \
      status->heartbeats)

static const uint16_t statuses[] = {
#define STATUS_ROW(status) status,
    METRIC_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

struct bucket {
    int64_t ns;
    const char *seconds;
};
static const struct bucket buckets[] = {
#define BUCKET_ROW(nanoseconds, text) { nanoseconds, text },
    METRIC_BUCKET_TABLE(BUCKET_ROW)
#undef BUCKET_ROW
};

static const char *type_name(enum metric_type type)
{
    return type == METRIC_COUNTER ? "counter" : "gauge";
}

void metrics_count(struct metrics *metrics, uint32_t route, unsigned status, int64_t duration_ns)
{
    CHECK(route < METRIC_ROUTE_COUNT);
    struct metric_route *row = &metrics->routes[route];
    size_t at = 0;
    while (at + 1 < METRIC_STATUS_COUNT && statuses[at] != status) at++;
    size_t bucket = 0;
    while (bucket < METRIC_BUCKET_COUNT && duration_ns > buckets[bucket].ns) bucket++;
    uint64_t ns = duration_ns > 0 ? (uint64_t)duration_ns : 0;
    atomic_fetch_add_explicit(&row->by_status[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->ns_total, ns, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Nanoseconds as seconds, in whole numbers. */
static void seconds_write(struct buf *out, uint64_t ns)
{
    buf_append_format(out, "%llu.%09llu\n", (unsigned long long)(ns / (uint64_t)NS_PER_S),
                      (unsigned long long)(ns % (uint64_t)NS_PER_S));
}

static const char *operation_name(uint32_t number)
{
    const struct route *route = router_route(number);
    return route == NULL ? "none" : route->operation;
}

static void requests_write(const struct metrics *metrics, struct buf *out)
{
    metric_head_write(out, "tpwallet_http_requests_total", "counter",
                      "Requests answered, by operation and HTTP status");
    for (uint32_t route = 0; route < METRIC_ROUTE_COUNT; route++) {
        for (size_t i = 0; i < METRIC_STATUS_COUNT; i++) {
            uint64_t value = load(&metrics->routes[route].by_status[i]);
            if (value == 0) continue;
            buf_append_format(out,
                              "tpwallet_http_requests_total{operation=\"%s\",status=\"%u\"} %llu\n",
                              operation_name(route), statuses[i], (unsigned long long)value);
        }
    }
}

static void histogram_write(const struct metric_route *row, const char *operation, struct buf *out)
{
    static const char name[] = "tpwallet_http_request_duration_seconds";
    uint64_t count = 0;
    uint64_t counts[METRIC_BUCKET_COUNT + 1];
    for (size_t i = 0; i <= METRIC_BUCKET_COUNT; i++) {
        count += load(&row->buckets[i]);
        counts[i] = count;
    }
    if (count == 0) return;
    for (size_t i = 0; i <= METRIC_BUCKET_COUNT; i++) {
        const char *bound = i < METRIC_BUCKET_COUNT ? buckets[i].seconds : "+Inf";
        buf_append_format(out, "%s_bucket{operation=\"%s\",le=\"%s\"} %llu\n", name, operation,
                          bound, (unsigned long long)counts[i]);
    }
    buf_append_format(out, "%s_sum{operation=\"%s\"} ", name, operation);
    seconds_write(out, load(&row->ns_total));
    buf_append_format(out, "%s_count{operation=\"%s\"} %llu\n", name, operation,
                      (unsigned long long)count);
}

static void outcomes_write(const struct lane_status *status, struct buf *out)
{
    metric_head_write(out, "tpwallet_transfers_total", "counter",
                      "Transfers committed, by outcome");
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        buf_append_format(out, "tpwallet_transfers_total{outcome=\"%s\"} %llu\n",
                          outcome_code((enum outcome)i), (unsigned long long)status->outcomes[i]);
    }
}

static void payments_write(const struct lane_status *status, struct buf *out)
{
    metric_head_write(out, "tpwallet_payments_open", "gauge", "Open payments, by state");
    for (unsigned i = 1; i < PAYMENT_STATE_END; i++) {
        bool shown = payment_state_is_open(i) || status->payment_states[i] > 0;
        if (!shown) continue; /* one that rests is open only while something is to be asked */
        buf_append_format(out, "tpwallet_payments_open{state=\"%s\"} %llu\n", payment_state_name(i),
                          (unsigned long long)status->payment_states[i]);
    }
    metric_head_write(out, "tpwallet_payment_commands_total", "counter",
                      "Commands to payments committed, by cause and outcome");
    for (unsigned cause = 1; cause < PAYMENT_CAUSE_END; cause++) {
        for (unsigned outcome = 0; outcome < PAYMENT_OUTCOME_COUNT; outcome++) {
            uint64_t value = status->payment_commands[cause][outcome];
            if (value == 0) continue;
            buf_append_format(
                out, "tpwallet_payment_commands_total{cause=\"%s\",outcome=\"%s\"} %llu\n",
                payment_cause_name(cause), payment_outcome_code((enum payment_outcome)outcome),
                (unsigned long long)value);
        }
    }
}

static void seconds_metric_write(struct buf *out, const char *name, const char *type,
                                 const char *help, uint64_t ns)
{
    metric_head_write(out, name, type, help);
    buf_append_format(out, "%s ", name);
    seconds_write(out, ns);
}

/* A clock that was put back makes nothing younger than new. */
static void age_write(struct buf *out, uint8_t state, struct wall_time since, struct wall_time now)
{
    uint64_t ns = since.ns != 0 && now.ns > since.ns ? (uint64_t)(now.ns - since.ns) : 0;
    buf_append_format(out, "tpwallet_payments_oldest_seconds{state=\"%s\"} ",
                      payment_state_name(state));
    seconds_write(out, ns);
}

static void oldest_write(const struct lane_status *status, struct wall_time now, struct buf *out)
{
    metric_head_write(
        out, "tpwallet_payments_oldest_seconds", "gauge",
        "How long ago the step of the oldest payment in this state was written down; 0: none");
    age_write(out, PAYMENT_STATE_IN_DOUBT, status->oldest_in_doubt, now);
    age_write(out, PAYMENT_STATE_MANUAL, status->oldest_manual, now);
}

static void lane_write(const struct lane_status *status, struct buf *out)
{
#define LANE_METRIC(name, type, help, value)                                                       \
    metric_head_write(out, name, type_name(METRIC_##type), help);                                  \
    buf_append_format(out, "%s %llu\n", name, (unsigned long long)(value));
    LANE_METRIC_TABLE(LANE_METRIC)
#undef LANE_METRIC
    seconds_metric_write(out, "tpwallet_commit_seconds_total", "counter",
                         "Time spent making batches durable", status->commit_ns_total);
    seconds_metric_write(out, "tpwallet_commit_max_seconds", "gauge", "Longest commit since start",
                         status->commit_ns_max);
    seconds_metric_write(out, "tpwallet_recovery_seconds", "gauge", "How long the last start took",
                         status->recovery_ns);
}

void metrics_build_write(const char *version, struct buf *out_page)
{
    metric_head_write(out_page, "tpwallet_build_info", "gauge", "Always 1; the version is a label");
    metric_labelled_write(out_page, "tpwallet_build_info", "version", str_from(version), 1);
}

void metrics_write(const struct metrics *metrics, const struct lane_status *status,
                   struct wall_time now, struct buf *out_page)
{
    CHECK(metrics != NULL);
    CHECK(status != NULL);
    metric_head_write(out_page, "tpwallet_http_requests_in_flight", "gauge",
                      "Requests not yet answered");
    buf_append_format(out_page, "tpwallet_http_requests_in_flight %llu\n",
                      (unsigned long long)load(&metrics->in_flight));
    requests_write(metrics, out_page);
    metric_head_write(out_page, "tpwallet_http_request_duration_seconds", "histogram",
                      "From the whole request to the whole answer");
    for (uint32_t route = 0; route < METRIC_ROUTE_COUNT; route++) {
        histogram_write(&metrics->routes[route], operation_name(route), out_page);
    }
    outcomes_write(status, out_page);
    payments_write(status, out_page);
    oldest_write(status, now, out_page);
    lane_write(status, out_page);
}

void metrics_saga_write(const struct saga_status *status, struct buf *out_page)
{
    metric_head_write(out_page, "tpwallet_saga_calls_total", "counter",
                      "Orders sent to PSPs and queries asked");
    buf_append_format(out_page,
                      "tpwallet_saga_calls_total{call=\"order\"} %llu\n"
                      "tpwallet_saga_calls_total{call=\"query\"} %llu\n",
                      (unsigned long long)status->orders, (unsigned long long)status->queries);
    metric_head_write(out_page, "tpwallet_saga_answers_total", "counter", "What PSPs answered");
    for (unsigned i = 1; i < PSP_ANSWER_END; i++) {
        buf_append_format(out_page, "tpwallet_saga_answers_total{answer=\"%s\"} %llu\n",
                          psp_answer_name(i), (unsigned long long)status->answers[i]);
    }
    seconds_metric_write(out_page, "tpwallet_saga_call_seconds_total", "counter",
                         "Time spent in calls to PSPs", status->call_ns_total);
#define SAGA_METRIC(name, type, help, value)                                                       \
    metric_head_write(out_page, name, type_name(METRIC_##type), help);                             \
    buf_append_format(out_page, "%s %llu\n", name, (unsigned long long)(value));
    SAGA_METRIC_TABLE(SAGA_METRIC)
#undef SAGA_METRIC
}

void metrics_streams_write(const struct event_streams_status *status, struct buf *out_page)
{
#define STREAMS_METRIC(name, type, help, value)                                                    \
    metric_head_write(out_page, name, type_name(METRIC_##type), help);                             \
    buf_append_format(out_page, "%s %llu\n", name, (unsigned long long)(value));
    STREAMS_METRIC_TABLE(STREAMS_METRIC)
#undef STREAMS_METRIC
}

void metrics_webhook_in_write(const struct webhook_in_status *status, struct buf *out_page)
{
    metric_head_write(out_page, "tpwallet_webhooks_received_total", "counter",
                      "Webhooks that came, by what became of them");
    for (unsigned i = 0; i < WEBHOOK_IN_COUNT; i++) {
        buf_append_format(out_page, "tpwallet_webhooks_received_total{result=\"%s\"} %llu\n",
                          webhook_in_result_name(i), (unsigned long long)status->results[i]);
    }
    metric_head_write(out_page, "tpwallet_webhooks_rejected_total", "counter",
                      "Webhooks turned away, by reason");
    for (unsigned i = WEBHOOK_REASON_VERIFIED + 1; i < WEBHOOK_REASON_COUNT; i++) {
        buf_append_format(out_page, "tpwallet_webhooks_rejected_total{reason=\"%s\"} %llu\n",
                          webhook_reason_code((enum webhook_reason)i),
                          (unsigned long long)status->rejected[i]);
    }
    metric_head_write(out_page, "tpwallet_webhooks_redone_total", "counter",
                      "Stored webhooks taken up again after a failure or a restart");
    buf_append_format(out_page, "tpwallet_webhooks_redone_total %llu\n",
                      (unsigned long long)status->redone);
}

void metrics_webhook_desk_write(const struct webhook_desk_status *status, struct buf *out_page)
{
    metric_head_write(out_page, "tpwallet_webhook_endpoints", "gauge",
                      "Endpoints that events are sent to");
    buf_append_format(out_page, "tpwallet_webhook_endpoints %llu\n",
                      (unsigned long long)status->endpoints);
    metric_head_write(out_page, "tpwallet_webhook_endpoints_disabled_total", "counter",
                      "Endpoints that have disabled themselves");
    buf_append_format(out_page, "tpwallet_webhook_endpoints_disabled_total %llu\n",
                      (unsigned long long)status->disabled);
    static const char deliveries[] = "tpwallet_webhook_deliveries_total";
    metric_head_write(out_page, deliveries, "counter",
                      "Attempts to deliver an event to an endpoint, and dead letters made");
    metric_labelled_write(out_page, deliveries, "result", STR("delivered"),
                          status->deliveries.delivered);
    metric_labelled_write(out_page, deliveries, "result", STR("failed"), status->deliveries.failed);
    metric_labelled_write(out_page, deliveries, "result", STR("dead"), status->deliveries.dead);
}

void metrics_log_write(const struct log_relay_status *status, struct buf *out_page)
{
#define LOG_METRIC(name, type, help, value)                                                        \
    metric_head_write(out_page, name, type_name(METRIC_##type), help);                             \
    buf_append_format(out_page, "%s %llu\n", name, (unsigned long long)(value));
    LOG_METRIC_TABLE(LOG_METRIC)
#undef LOG_METRIC
}
