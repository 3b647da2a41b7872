/*
 * Whoever is woken wants the monitor next, so it is given back first: woken under it, every
 * caller would run only to wait again.
 */
#include "wallet/answers.h"

#include "base/check.h"
#include "port/sync.h"

void answers_add(struct answers *answers, struct request *request)
{
    request->next = NULL;
    if (answers->first == NULL) {
        answers->first = request;
    } else {
        answers->last->next = request;
    }
    answers->last = request;
    answers->count++;
}

/* Answers the first and those behind it who wait at the same monitor; returns the next one. */
static struct request *monitor_give(const struct answers_waiters *waiters, struct request *first)
{
    struct sync *sync = waiters->sync;
    uint32_t waiter = first->waiter;
    struct monitor *monitor = waiters->monitors[waiter];
    sync->lock(monitor);
    while (first != NULL && first->done == NULL && first->waiter == waiter) {
        struct request *next = first->next;
        first->answered = true;
        first = next;
    }
    sync->unlock(monitor);
    sync->wake_all(monitor);
    return first;
}

void answers_give(const struct answers_waiters *waiters, struct answers answers)
{
    struct request *request = answers.first;
    while (request != NULL) {
        if (request->done == NULL) {
            request = monitor_give(waiters, request);
            continue;
        }
        struct request *next = request->next;
        request->answered = true;
        request->done(request);
        request = next;
    }
}

void answer_give(const struct answers_waiters *waiters, struct request *request, enum status status)
{
    struct answers answers = { 0 };
    request->status = status;
    answers_add(&answers, request);
    answers_give(waiters, answers);
}

void answers_refuse(const struct answers_waiters *waiters, struct answers answers,
                    enum status status)
{
    for (struct request *request = answers.first; request != NULL; request = request->next) {
        request->status = request->spans ? STATUS_IN_DOUBT : status;
        if (request->kind == REQUEST_READ) request->status = STATUS_UNAVAILABLE; /* nothing done */
    }
    answers_give(waiters, answers);
}

void answers_wait(const struct answers_waiters *waiters, const struct request *request)
{
    CHECK(request->done == NULL);
    struct sync *sync = waiters->sync;
    struct monitor *monitor = waiters->monitors[request->waiter];
    sync->lock(monitor);
    while (!request->answered) (void)sync->wait(monitor, MONOTONIC_NEVER);
    sync->unlock(monitor);
}
