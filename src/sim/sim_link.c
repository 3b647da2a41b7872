#include "sim/sim_link.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { LATE_MS_MAX = 90000, SLOW_MS_MAX = 20000 };

/* A call that nobody waits for any more. */
struct late_call {
    struct lane_side *from;
    struct lane_side *to;
    struct question *question;
    int64_t delay_ns;
};

static struct question *question_of(const struct request *request)
{
    CHECK(request->kind == REQUEST_TRANSFERS && uuid_is_nil(request->key));
    struct question *question = question_new(REQUEST_TRANSFERS, request->count);
    memcpy(question->transfers, request->transfers, request->count * sizeof *request->transfers);
    question->principal = request->principal;
    question->withdraw = request->withdraw;
    question->to_wallets = request->to_wallets;
    question->fresh = false; /* another life may ask for the same */
    return question;
}

static struct life *life_of(struct lane_side *from, struct lane_side *to)
{
    struct life *life = to->service.active;
    struct life *former = to->service.former;
    bool prefers_former = fault_between(&from->service.faults, SIM_FAULT_LINK_SLOW, 0, 3) == 0;
    if (former != NULL && (life == NULL || prefers_former)) life = former;
    if (life == NULL || life->phase != LIFE_UP || life->process.crashed) return NULL;
    return life;
}

/* STATUS_OK: it has answered, and every result was checked. */
static enum status deliver(struct lane_side *from, struct lane_side *to, struct question *question)
{
    struct life *life = life_of(from, to);
    if (life == NULL) return STATUS_UNAVAILABLE;
    life->users++;
    enum status status;
    enum ask_end end = ask_once(&to->service, &to->crowd.told, life, question, true, &status);
    service_leave(life);
    if (end == ASK_ANSWERED) return STATUS_OK;
    return status == STATUS_OK ? STATUS_IN_DOUBT : status; /* OK: the answer was not heard */
}

static void late_body(void *argument)
{
    struct late_call *call = argument;
    struct lanes_stage *stage = call->from->stage;
    task_sleep(stage->world, call->delay_ns);
    (void)deliver(call->from, call->to, call->question); /* nobody waits for it */
    question_release(call->question);
    stage->busy--;
    free(call);
}

static void deliver_late(const struct sim_link *link, struct question *question)
{
    struct faults *faults = &link->from->service.faults;
    struct late_call *call = calloc(1, sizeof *call);
    CHECK(call != NULL);
    uint64_t delay_ms = fault_between(faults, SIM_FAULT_LINK_LATE, 1, LATE_MS_MAX);
    *call = (struct late_call){
        .from = link->from,
        .to = link->to,
        .question = question_share(question),
        .delay_ns = (int64_t)delay_ms * NS_PER_MS,
    };
    link->from->stage->busy++;
    (void)task_spawn(link->from->stage->world, "late call", late_body, call); /* ends by itself */
}

/* Every answer was held against the twin in its moment: so the twin's is the answer. */
static void results_write(const struct sim_link *link, const struct request *request)
{
    const struct model *model = link->to->service.model;
    for (uint32_t i = 0; i < request->count; i++) {
        const struct transfer *asked = &request->transfers[i];
        uint32_t place = model_transfer_find(model, asked->id);
        CHECK(place != MODEL_NONE);
        const struct model_transfer *known = &model->transfers[place];
        bool same = model_same_content(&known->asked, asked);
        request->transfer_results[i] = (struct transfer_result){
            .id = asked->id,
            .amount = known->amount,
            .position = known->position,
            .stamp = known->stamp,
            .outcome = same ? (uint8_t)known->outcome : (uint8_t)OUTCOME_ID_CONFLICT,
            .asset = known->asset,
        };
    }
}

static enum status question_send(const struct sim_link *link, struct question *question)
{
    struct faults *faults = &link->from->service.faults;
    if (fault_strikes(faults, SIM_FAULT_LINK_LOST)) return STATUS_IN_DOUBT;
    if (fault_strikes(faults, SIM_FAULT_LINK_LATE)) {
        deliver_late(link, question);
        return STATUS_IN_DOUBT;
    }
    if (fault_strikes(faults, SIM_FAULT_LINK_SLOW)) {
        uint64_t slow_ms = fault_between(faults, SIM_FAULT_LINK_SLOW, 1, SLOW_MS_MAX);
        task_sleep(link->from->stage->world, (int64_t)slow_ms * NS_PER_MS);
    }
    enum status status = deliver(link->from, link->to, question);
    bool lost = status == STATUS_OK && fault_strikes(faults, SIM_FAULT_LINK_REPLY_LOST);
    return lost ? STATUS_IN_DOUBT : status;
}

static enum status link_run(struct transit_link *port, struct request *request)
{
    struct sim_link *link = (struct sim_link *)port;
    if (!process_point(&link->life->process, SIM_POINT_LINK_SEND)) return STATUS_UNAVAILABLE;
    struct question *question = question_of(request);
    enum status status = question_send(link, question);
    question_release(question);
    if (!process_point(&link->life->process, SIM_POINT_LINK_SENT)) return STATUS_UNAVAILABLE;
    if (status == STATUS_OK) results_write(link, request);
    return status;
}

void sim_link_init(struct sim_link *link, struct life *life, struct lane_side *from,
                   struct lane_side *to)
{
    *link = (struct sim_link){ .port = { link_run }, .life = life, .from = from, .to = to };
}
