/* A call is: leave the process, travel, arrive, travel back; each of these can go wrong. */
#include "sim/sim_psp.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sandbox/statement.h"

enum {
    PENDING_MS = 1500,
    LATE_MS = 12000,
    DISPUTE_MS = 8000,
    RESERVED_MS = 90000,
    SLOW_MS_MAX = SIM_PSP_CALL_MS_MAX - 500,
    THROTTLE_MS_MAX = 3000,
    START_DAYS = 20000,
};

/* ---- The acquirer ---- */

static struct wall_time now_of(const struct sim_acquirer *acquirer)
{
    return (struct wall_time){ START_DAYS * NS_PER_DAY + world_now(acquirer->world).ns };
}

void sim_acquirer_init(struct sim_acquirer *acquirer, struct world *world, struct faults *faults,
                       struct verdict *verdict)
{
    memset(acquirer, 0, sizeof *acquirer);
    acquirer->world = world;
    acquirer->faults = faults;
    acquirer->verdict = verdict;
    struct sandbox_options options = SANDBOX_OPTIONS_DEFAULT;
    options.items_max = SIM_PSP_ITEMS_MAX;
    options.pending_ms = PENDING_MS;
    options.late_ms = LATE_MS;
    options.dispute_ms = DISPUTE_MS;
    options.reserved_ms = RESERVED_MS;
    enum status status = sandbox_init(&acquirer->books, &options, now_of(acquirer));
    CHECK(status == STATUS_OK);
}

void sim_acquirer_done(struct sim_acquirer *acquirer)
{
    sandbox_free(&acquirer->books);
}

void sim_acquirer_advance(struct sim_acquirer *acquirer)
{
    sandbox_advance(&acquirer->books, now_of(acquirer));
}

static bool clocks_stepped(const struct faults *faults)
{
    return faults->hits[SIM_FAULT_CLOCK_BACK] + faults->hits[SIM_FAULT_CLOCK_FORWARD] +
               faults->hits[SIM_FAULT_CLOCK_JUMP] >
           0;
}

/* A wallet whose clock is wrong cannot know how old a key is: then the window proves nothing. */
static void key_age_check(struct sim_acquirer *acquirer, const struct psp_order *order)
{
    uint32_t item = sandbox_find(&acquirer->books, order->payment, order->step_number);
    if (item == SANDBOX_NONE) return;
    acquirer->resent++;
    int64_t age_ns = now_of(acquirer).ns - sandbox_item(&acquirer->books, item)->created_at.ns;
    if (age_ns <= SIM_PSP_KEY_WINDOW_MS * NS_PER_MS || clocks_stepped(acquirer->faults)) return;
    verdict_violation(acquirer->verdict,
                      "an order is sent again %lld s after the first: its key is forgotten",
                      (long long)(age_ns / NS_PER_S));
}

/* Before it is sent: what the wallet sends must be written down. */
static void order_check(struct sim_acquirer *acquirer, const struct psp_order *order)
{
    if (acquirer->expects != NULL && !acquirer->expects(acquirer->owner, order)) {
        verdict_violation(acquirer->verdict, "a PSP is asked to %s without a durable intent",
                          psp_operation_name(order->operation));
    }
    key_age_check(acquirer, order);
}

static void arrive(struct sim_acquirer *acquirer, const struct psp_order *order,
                   struct psp_reply *out_reply)
{
    sim_acquirer_advance(acquirer);
    sandbox_order(&acquirer->books, order, out_reply);
    world_mix(acquirer->world, out_reply->answer);
}

/* An order that the network keeps for a while; its sender has given up. */
struct straggler {
    struct sim_acquirer *acquirer;
    struct psp_order order;
    int64_t delay_ns;
};

static void straggler_body(void *argument)
{
    struct straggler *straggler = argument;
    task_sleep(straggler->acquirer->world, straggler->delay_ns);
    struct psp_reply reply;
    arrive(straggler->acquirer, &straggler->order, &reply);
    straggler->acquirer->under_way--;
    free(straggler);
}

static void arrive_later(struct sim_acquirer *acquirer, const struct psp_order *order)
{
    struct straggler *straggler = calloc(1, sizeof *straggler);
    CHECK(straggler != NULL);
    *straggler = (struct straggler){
        .acquirer = acquirer,
        .order = *order,
        .delay_ns = (int64_t)fault_between(acquirer->faults, SIM_FAULT_PSP_REQUEST_LATE, 1,
                                           SIM_PSP_HORIZON_MS - 100) *
                    NS_PER_MS,
    };
    acquirer->under_way++;
    (void)task_spawn(acquirer->world, "straggler", straggler_body, straggler); /* ends by itself */
}

/* ---- The port ---- */

static void reply_make(struct psp_reply *out_reply, enum psp_answer answer, const char *reason)
{
    *out_reply = (struct psp_reply){ .answer = (uint8_t)answer };
    size_t len = strlen(reason);
    CHECK(len < sizeof out_reply->reason);
    memcpy(out_reply->reason, reason, len);
}

static bool strikes(struct sim_psp *psp, enum sim_fault fault)
{
    return !psp->process->crashed && fault_strikes(psp->acquirer->faults, fault);
}

static void travel(struct sim_psp *psp)
{
    if (!strikes(psp, SIM_FAULT_PSP_SLOW)) return;
    uint64_t ms = fault_between(psp->acquirer->faults, SIM_FAULT_PSP_SLOW, 1, SLOW_MS_MAX);
    task_sleep(psp->acquirer->world, (int64_t)ms * NS_PER_MS);
}

/* True: nothing gets there, and out_reply says so. */
static bool stopped_at_the_door(struct sim_psp *psp, bool query, struct psp_reply *out_reply)
{
    if (strikes(psp, SIM_FAULT_PSP_NOT_SENT)) {
        reply_make(out_reply, PSP_ANSWER_NOT_SENT, "connection_refused");
        return true;
    }
    if (query || !strikes(psp, SIM_FAULT_PSP_THROTTLED)) return false;
    reply_make(out_reply, PSP_ANSWER_THROTTLED, "throttled");
    out_reply->retry_after_ms =
        (uint32_t)fault_between(psp->acquirer->faults, SIM_FAULT_PSP_THROTTLED, 0, THROTTLE_MS_MAX);
    return true;
}

/* The answer on its way back. */
static void reply_spoil(struct sim_psp *psp, struct psp_reply *reply)
{
    if (strikes(psp, SIM_FAULT_PSP_REPLY_LOST)) {
        reply_make(reply, PSP_ANSWER_UNKNOWN, "timeout");
    } else if (strikes(psp, SIM_FAULT_PSP_GARBAGE)) {
        reply_make(reply, PSP_ANSWER_UNKNOWN, "answer_not_understood");
    } else if (reply->answer == PSP_ANSWER_DONE && strikes(psp, SIM_FAULT_PSP_WRONG_AMOUNT)) {
        reply->amount.minor++;
    }
}

/* Once it is sent it may arrive, whatever becomes of the process that sent it. */
static void sim_order(struct psp *port, const struct psp_order *order, struct psp_reply *out_reply)
{
    struct sim_psp *psp = (struct sim_psp *)port;
    if (!process_point(psp->process, SIM_POINT_PSP_ORDER)) {
        reply_make(out_reply, PSP_ANSWER_NOT_SENT, "connection_refused");
        return;
    }
    if (stopped_at_the_door(psp, false, out_reply)) return;
    order_check(psp->acquirer, order);
    travel(psp);
    if (strikes(psp, SIM_FAULT_PSP_REQUEST_LOST)) {
        reply_make(out_reply, PSP_ANSWER_UNKNOWN, "timeout");
        return;
    }
    if (strikes(psp, SIM_FAULT_PSP_REQUEST_LATE)) {
        arrive_later(psp->acquirer, order);
        reply_make(out_reply, PSP_ANSWER_UNKNOWN, "timeout");
        return;
    }
    arrive(psp->acquirer, order, out_reply);
    (void)process_point(psp->process, SIM_POINT_PSP_ORDERED); /* dead or not, it is done */
    reply_spoil(psp, out_reply);
}

/* PSPs read from a copy that lags behind: what is younger than the horizon may not be seen. */
static bool blind(struct sim_psp *psp, const struct psp_order *order)
{
    struct sim_acquirer *acquirer = psp->acquirer;
    uint32_t item = sandbox_find(&acquirer->books, order->payment, order->step_number);
    if (item == SANDBOX_NONE) return false;
    int64_t age_ns = now_of(acquirer).ns - sandbox_item(&acquirer->books, item)->created_at.ns;
    if (age_ns >= SIM_PSP_HORIZON_MS * NS_PER_MS / 2) return false;
    return strikes(psp, SIM_FAULT_PSP_QUERY_BLIND);
}

static void sim_query(struct psp *port, const struct psp_order *order, struct psp_reply *out_reply)
{
    struct sim_psp *psp = (struct sim_psp *)port;
    struct sim_acquirer *acquirer = psp->acquirer;
    if (!process_point(psp->process, SIM_POINT_PSP_QUERY)) {
        reply_make(out_reply, PSP_ANSWER_NOT_SENT, "connection_refused");
        return;
    }
    if (stopped_at_the_door(psp, true, out_reply)) return;
    travel(psp);
    sim_acquirer_advance(acquirer);
    if (blind(psp, order)) {
        reply_make(out_reply, PSP_ANSWER_NOT_FOUND, "order_not_found");
    } else {
        sandbox_query(&acquirer->books, order, out_reply);
    }
    world_mix(acquirer->world, out_reply->answer);
    (void)process_point(psp->process, SIM_POINT_PSP_QUERIED); /* nothing was changed */
    reply_spoil(psp, out_reply);
}

static enum status sim_statement(struct psp *port, const struct psp_part *part,
                                 struct psp_line *out_lines, uint32_t *out_count,
                                 struct error *out_error)
{
    struct sim_psp *psp = (struct sim_psp *)port;
    if (!process_point(psp->process, SIM_POINT_PSP_QUERY)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the PSP does not answer");
    }
    sim_acquirer_advance(psp->acquirer);
    return sandbox_statement(&psp->acquirer->books, part->day, part->from, out_lines, part->limit,
                             out_count);
}

static void sim_close(struct psp *port)
{
    (void)port; /* the process's struct is its owner's */
}

void sim_psp_init(struct sim_psp *psp, struct process *process, struct sim_acquirer *acquirer)
{
    *psp = (struct sim_psp){
        .port = { .traits = { .name = SIM_PSP_NAME,
                              .call_ms_max = SIM_PSP_CALL_MS_MAX,
                              .horizon_ms = SIM_PSP_HORIZON_MS,
                              .key_window_ms = SIM_PSP_KEY_WINDOW_MS,
                              .operations = UINT32_MAX },
                  .order = sim_order,
                  .query = sim_query,
                  .statement = sim_statement,
                  .close = sim_close },
        .process = process,
        .acquirer = acquirer,
    };
}
