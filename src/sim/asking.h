/* asking.h - one attempt at a question: the request to the lane, and the answer as it came. */
#ifndef SIM_ASKING_H
#define SIM_ASKING_H

#include "sim/question.h"
#include "sim/service.h"

/* What clients were told, over a seed. */
struct told {
    uint64_t transfers; /* acknowledged, repeats included */
    uint64_t accounts;
    uint64_t acts;
    uint64_t reads;
    uint64_t history_reads;
    uint64_t repeats;
    uint64_t lost;      /* answers that a crash swallowed */
    uint64_t abandoned; /* questions given up after "not done" */
    uint64_t answers[STATUS_COUNT];
    uint64_t refused[STATUS_COUNT]; /* by lane_submit() */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t account_outcomes[ACCOUNT_OUTCOME_COUNT];
    uint64_t admin_outcomes[ADMIN_OUTCOME_COUNT];
    uint64_t payments; /* commands to payments, repeats included */
    uint64_t payment_outcomes[PAYMENT_OUTCOME_COUNT];
};

struct asking {
    struct service *service;
    struct told *told;
    struct life *life;
    struct question *question;
    struct request request;
    struct transfer_result *transfer_results;
    struct account_result *account_results;
    struct admin_result admin_result;
    struct payment_result payment_result;
    struct read read;
    struct account_state *accounts;
    struct locator *locators;
    struct payment *payments;
    struct totals_row *totals;
    uint64_t head_before; /* the durable head when it was submitted */
    uint64_t told_before; /* what this life had told anybody by then */
    struct task *task;
    uint32_t answers;
    bool heard; /* the answer came before a crash */
};

enum ask_end {
    ASK_ANSWERED, /* OK, or CONFLICT */
    ASK_FAILED,   /* answered, and worth another attempt */
    ASK_LOST,     /* no answer: the process died, or nothing was accepted */
};

/*
 * One attempt with this life, which the caller has entered. Half of the attempts are answered
 * through request->done, half through lane_wait(). Every answer that was heard is checked
 * (checkers.h) in the moment in which it was given. out_status is the answer, or what
 * lane_submit() said.
 */
enum ask_end ask_once(struct service *service, struct told *told, struct life *life,
                      struct question *question, bool through_done, enum status *out_status);

#endif
