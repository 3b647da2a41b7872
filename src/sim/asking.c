/* Builds the request, submits it, waits one way or the other, and has the answer checked. */
#include "sim/asking.h"

#include <stdlib.h>

#include "base/check.h"
#include "sim/checkers.h"

static void *zeroed(uint32_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    CHECK(memory != NULL);
    return memory;
}

static void results_prepare(struct asking *asking)
{
    const struct question *question = asking->question;
    struct request *request = &asking->request;
    if (question->kind == REQUEST_TRANSFERS) {
        asking->transfer_results = zeroed(question->count, sizeof(struct transfer_result));
        request->transfers = question->transfers;
        request->transfer_results = asking->transfer_results;
    } else if (question->kind == REQUEST_ACCOUNTS) {
        asking->account_results = zeroed(question->count, sizeof(struct account_result));
        request->accounts = question->accounts;
        request->account_results = asking->account_results;
    } else if (question->kind == REQUEST_PAYMENT) {
        request->payment = question->payment;
        request->payment_result = &asking->payment_result;
    } else if (question->kind == REQUEST_ADMIN) {
        request->admin = &question->admin;
        request->admin_result = &asking->admin_result;
    } else {
        uint32_t room = question->count > question->limit ? question->count : question->limit;
        asking->accounts = zeroed(room, sizeof(struct account_state));
        asking->locators = zeroed(room, sizeof(struct locator));
        asking->payments = zeroed(room, sizeof(struct payment));
        asking->totals = zeroed(room, sizeof(struct totals_row));
        asking->read = (struct read){
            .kind = question->read_kind,
            .count = question->count,
            .limit = question->limit,
            .ids = question->ids,
            .from = question->from,
            .after = question->after,
            .accounts = asking->accounts,
            .locators = asking->locators,
            .payments = asking->payments,
            .totals = asking->totals,
        };
        request->read = &asking->read;
    }
}

/* The moment of the answer: what is not durable now was shown too early. */
static void answer_take(struct asking *asking)
{
    struct life *life = asking->life;
    asking->answers++;
    if (asking->answers > 1) {
        verdict_violation(&asking->service->verdict, "a request is answered twice");
        return;
    }
    world_mix(asking->service->world, asking->request.status);
    asking->heard = !life->process.crashed;
    if (!asking->heard) {
        asking->told->lost++;
        return;
    }
    asking->told->answers[asking->request.status]++;
    check_answer(asking);
    const struct service *service = asking->service;
    if (service->answered != NULL) service->answered(service->owner, asking);
}

static void on_done(struct request *request)
{
    struct asking *asking = request->owner;
    answer_take(asking);
    task_wake(asking->task);
}

static void answer_await(struct asking *asking)
{
    if (asking->request.done == NULL) {
        lane_wait(asking->life->lane, &asking->request);
        if (!asking->request.answered) {
            verdict_violation(&asking->service->verdict, "lane_wait() ends without an answer");
        }
        answer_take(asking);
        return;
    }
    while (asking->answers == 0) (void)task_block(asking->service->world, MONOTONIC_NEVER);
}

static enum ask_end end_of(const struct asking *asking)
{
    if (!asking->heard) return ASK_LOST;
    enum status status = asking->request.status;
    return status == STATUS_OK || status == STATUS_CONFLICT ? ASK_ANSWERED : ASK_FAILED;
}

static void asking_free(struct asking *asking)
{
    free(asking->transfer_results);
    free(asking->account_results);
    free(asking->accounts);
    free(asking->locators);
    free(asking->payments);
    free(asking->totals);
    question_release(asking->question);
    free(asking);
}

enum ask_end ask_once(struct service *service, struct told *told, struct life *life,
                      struct question *question, bool through_done, enum status *out_status)
{
    struct asking *asking = zeroed(1, sizeof *asking);
    asking->service = service;
    asking->told = told;
    asking->life = life;
    asking->question = question_share(question);
    asking->task = task_current(service->world);
    asking->request = (struct request){
        .kind = question->kind,
        .route = 1,
        .principal = question->principal,
        .key = question->key,
        .fingerprint = uuid_is_nil(question->key) ? question->key : question->fingerprint,
        .root = lane_new_id(life->lane),
        .withdraw = question->withdraw,
        .to_wallets = question->to_wallets,
        .count = question->count,
        .done = through_done ? on_done : NULL,
        .owner = asking,
    };
    results_prepare(asking);
    asking->head_before = sim_disk_head(service->disk);
    asking->told_before = life->told_batch;
    enum ask_end end = ASK_LOST;
    enum status status = lane_submit(life->lane, &asking->request);
    world_mix(service->world, status);
    if (status == STATUS_OK) {
        answer_await(asking);
        end = end_of(asking);
        status = asking->request.status;
    } else {
        told->refused[status]++;
        check_refusal(asking, status);
    }
    asking_free(asking);
    *out_status = status;
    return end;
}
