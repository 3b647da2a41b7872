#include "wallet/lease_keeper.h"

#include <string.h>

#include "base/check.h"

const struct lease_terms LEASE_TERMS_DEFAULT = {
    .ttl_ms = 2000,
    .margin_ms = 250,
    .renew_ms = 400,
    .retry_ms = 100,
    .poll_ms = 100,
};

enum { SPEED_SHARE = 100 }; /* two clocks differ by less than a hundredth */

bool lease_terms_fit(const struct lease_terms *terms)
{
    return terms->margin_ms >= terms->ttl_ms / SPEED_SHARE && terms->poll_ms > 0 &&
           terms->retry_ms > 0 && terms->renew_ms > 0 &&
           terms->ttl_ms > terms->margin_ms + 2 * terms->renew_ms;
}

static struct monotonic_time later(struct monotonic_time from, int64_t ms)
{
    return (struct monotonic_time){ from.ns + ms * NS_PER_MS };
}

void lease_keeper_init(struct lease_keeper *keeper, const struct lease_terms *terms,
                       const struct lease_party *party)
{
    CHECK(lease_terms_fit(terms));
    CHECK(party->name[0] != '\0');
    *keeper = (struct lease_keeper){ .terms = *terms, .party = *party };
}

enum lease_step lease_keeper_next(const struct lease_keeper *keeper, struct monotonic_time now,
                                  bool warm)
{
    if (now.ns < keeper->at.ns) return LEASE_STEP_NONE;
    if (keeper->role == LEASE_HOLDING) return LEASE_STEP_RENEW;
    return keeper->take_now && warm ? LEASE_STEP_TAKE : LEASE_STEP_READ;
}

static bool is_me(const struct lease_keeper *keeper, const char *name)
{
    return strcmp(keeper->party.name, name) == 0;
}

/* Expired, and nobody else is preferred any more. */
static bool is_open(const struct lease_keeper *keeper, const struct lease_view *view)
{
    if (view->left_ms > 0) return false;
    if (view->wanted[0] == '\0' || is_me(keeper, view->wanted)) return true;
    return view->left_ms <= -LEASE_PREFERENCE_MS;
}

static void follow(struct lease_keeper *keeper)
{
    keeper->role = LEASE_FOLLOWING;
    keeper->until = (struct monotonic_time){ 0 };
    keeper->take_now = false;
}

static void hold(struct lease_keeper *keeper, const struct lease_answer *answer)
{
    keeper->role = LEASE_HOLDING;
    keeper->epoch = answer->view.epoch;
    keeper->until =
        later(answer->asked, (int64_t)keeper->terms.ttl_ms - (int64_t)keeper->terms.margin_ms);
    keeper->at = later(answer->asked, keeper->terms.renew_ms);
    keeper->take_now = false;
}

static void view_take(struct lease_keeper *keeper, const struct lease_answer *answer)
{
    keeper->known = true;
    keeper->view = answer->view;
    keeper->seen = answer->asked;
}

/* A take in doubt may have come: nobody but this one has that name and a fresh term. */
static void read_take(struct lease_keeper *keeper, const struct lease_answer *answer)
{
    keeper->at = later(answer->now, keeper->terms.poll_ms);
    keeper->take_now = answer->status == STATUS_NOT_FOUND;
    if (answer->status == STATUS_OK) {
        view_take(keeper, answer);
        keeper->take_now = is_open(keeper, &answer->view);
    }
    if (keeper->take_now) keeper->at = answer->now;
}

void lease_keeper_answered(struct lease_keeper *keeper, const struct lease_answer *answer)
{
    const struct lease_terms *terms = &keeper->terms;
    switch (answer->step) {
    case LEASE_STEP_NONE: break;
    case LEASE_STEP_READ:
        CHECK(keeper->role == LEASE_FOLLOWING);
        read_take(keeper, answer);
        return;
    case LEASE_STEP_TAKE:
        CHECK(keeper->role == LEASE_FOLLOWING);
        keeper->take_now = false;
        keeper->at = later(answer->now, terms->poll_ms);
        if (answer->status != STATUS_OK) return;
        view_take(keeper, answer);
        hold(keeper, answer);
        return;
    case LEASE_STEP_RENEW:
        if (keeper->role != LEASE_HOLDING) return; /* yielded meanwhile */
        keeper->at = later(answer->now, terms->retry_ms);
        if (answer->status == STATUS_FENCED) follow(keeper);
        if (answer->status != STATUS_OK) return;
        view_take(keeper, answer);
        hold(keeper, answer);
        return;
    }
    CHECK(false);
}

bool lease_keeper_believes(const struct lease_keeper *keeper, struct monotonic_time now)
{
    return keeper->role == LEASE_HOLDING && now.ns < keeper->until.ns;
}

void lease_keeper_yield(struct lease_keeper *keeper, struct monotonic_time now)
{
    follow(keeper);
    keeper->known = false;
    keeper->at = later(now, keeper->terms.poll_ms);
}

const char *lease_keeper_wanted(const struct lease_keeper *keeper)
{
    if (keeper->role != LEASE_HOLDING || !keeper->known) return NULL;
    if (keeper->view.wanted[0] == '\0' || is_me(keeper, keeper->view.wanted)) return NULL;
    return keeper->view.wanted;
}

const char *lease_keeper_owner(const struct lease_keeper *keeper, struct monotonic_time now)
{
    if (keeper->role == LEASE_HOLDING || !keeper->known) return NULL;
    if (is_me(keeper, keeper->view.holder.name) || keeper->view.holder.url[0] == '\0') return NULL;
    bool live = now.ns < later(keeper->seen, keeper->view.left_ms).ns;
    return live ? keeper->view.holder.url : NULL;
}
