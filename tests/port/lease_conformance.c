/*
 * Goal: a lease has one holder, ends by itself, is renewed by its holder only, goes first to who
 * was named, and each take raises its epoch; members are listed as they last said.
 * Method: one story through the port alone, of two replicas and two lanes.
 */
#include "tests/port/lease_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct lease_party ANNA = { "anna", "http://127.0.0.1:1" };
static const struct lease_party BERT = { "bert", "http://127.0.0.1:2" };

#define TERM(lane, party, epoch, ttl_ms) (&(struct lease_term){ lane, party, epoch, ttl_ms })

enum { LONG_MS = 60000, SHORT_MS = 150 };

static void expect_holder(struct lease *lease, uint32_t lane, const struct lease_party *party,
                          uint64_t epoch)
{
    struct lease_view view;
    assert_int_equal(lease->read(lease, lane, &view, NULL), STATUS_OK);
    assert_string_equal(view.holder.name, party->name);
    assert_string_equal(view.holder.url, party->url);
    assert_int_equal(view.epoch, epoch);
}

static void one_holds_it(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease *b = factory->open(factory->owner);
    struct lease_view view;
    assert_int_equal(a->read(a, 0, &view, NULL), STATUS_NOT_FOUND);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, LONG_MS), &view, NULL), STATUS_FENCED);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 1);
    assert_true(view.left_ms > LONG_MS - 5000 && view.left_ms <= LONG_MS);
    assert_string_equal(view.holder.name, "anna");
    assert_string_equal(view.wanted, "");
    struct wall_time taken_at = view.clock;
    assert_int_equal(b->take(b, TERM(0, &BERT, 0, LONG_MS), &view, NULL), STATUS_CONFLICT);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_CONFLICT);
    expect_holder(b, 0, &ANNA, 1);
    assert_int_equal(b->renew(b, TERM(0, &BERT, 1, LONG_MS), &view, NULL), STATUS_FENCED);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 2, LONG_MS), &view, NULL), STATUS_FENCED);
    factory->pass(factory->owner, SHORT_MS);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, LONG_MS), &view, NULL), STATUS_OK);
    assert_true(view.clock.ns >= taken_at.ns + SHORT_MS * NS_PER_MS);
    assert_true(view.clock.ns < taken_at.ns + LONG_MS * NS_PER_MS);
    /* another lane is another lease */
    assert_int_equal(b->take(b, TERM(1, &BERT, 0, LONG_MS), &view, NULL), STATUS_OK);
    expect_holder(a, 1, &BERT, 1);
    expect_holder(a, 0, &ANNA, 1);
    a->close(a);
    b->close(b);
}

static void it_ends_by_itself(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease_view view;
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, SHORT_MS), &view, NULL), STATUS_OK);
    factory->pass(factory->owner, 2 * SHORT_MS);
    assert_int_equal(a->read(a, 0, &view, NULL), STATUS_OK);
    assert_true(view.left_ms <= 0);
    /* nobody took it: it can go on */
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, SHORT_MS), &view, NULL), STATUS_OK);
    assert_true(view.left_ms > 0);
    factory->pass(factory->owner, 2 * SHORT_MS);
    assert_int_equal(a->take(a, TERM(0, &BERT, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 2);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, SHORT_MS), &view, NULL), STATUS_FENCED);
    assert_int_equal(a->release(a, TERM(0, &ANNA, 1, 0), "", NULL), STATUS_FENCED);
    expect_holder(a, 0, &BERT, 2);
    a->close(a);
}

static void it_goes_first_to_who_was_named(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease_view view;
    assert_int_equal(a->want(a, 0, "bert", NULL), STATUS_NOT_FOUND);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(a->want(a, 0, "bert", NULL), STATUS_OK);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, LONG_MS), &view, NULL), STATUS_OK);
    assert_string_equal(view.wanted, "bert");
    assert_int_equal(a->take(a, TERM(0, &BERT, 0, LONG_MS), &view, NULL),
                     STATUS_CONFLICT); /* not yet */
    assert_int_equal(a->release(a, TERM(0, &ANNA, 1, 0), "bert", NULL), STATUS_OK);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_CONFLICT);
    assert_int_equal(a->take(a, TERM(0, &BERT, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 2);
    assert_string_equal(view.wanted, "");
    /* who was named and does not come is not waited for */
    assert_int_equal(a->release(a, TERM(0, &BERT, 2, 0), "cora", NULL), STATUS_OK);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_CONFLICT);
    factory->pass(factory->owner, LEASE_PREFERENCE_MS + 100);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_OK);
    /* nobody in particular */
    assert_int_equal(a->release(a, TERM(0, &ANNA, 3, 0), "", NULL), STATUS_OK);
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 4);
    a->close(a);
}

/* A renewal that was sent before a release may arrive after it. */
static void what_was_given_back_is_not_renewed(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease_view view;
    assert_int_equal(a->take(a, TERM(0, &ANNA, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(a->release(a, TERM(0, &ANNA, 1, 0), "", NULL), STATUS_OK);
    assert_int_equal(a->renew(a, TERM(0, &ANNA, 1, LONG_MS), &view, NULL), STATUS_FENCED);
    assert_int_equal(a->release(a, TERM(0, &ANNA, 1, 0), "", NULL), STATUS_FENCED);
    assert_int_equal(a->take(a, TERM(0, &BERT, 0, LONG_MS), &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 2);
    expect_holder(a, 0, &BERT, 2);
    a->close(a);
}

static void expect_member(const struct lease_member *found, const struct lease_member *said)
{
    assert_string_equal(found->party.name, said->party.name);
    assert_string_equal(found->party.url, said->party.url);
    assert_int_equal(found->lane, said->lane);
    assert_int_equal(found->batch, said->batch);
    assert_int_equal(found->holds, said->holds);
    assert_int_equal(found->warm, said->warm);
    assert_int_equal(found->stage, said->stage);
    assert_true(found->age_ms >= 0 && found->age_ms < 10000);
}

static void members_are_as_they_last_said(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease_member members[4];
    uint32_t count = 9;
    assert_int_equal(a->members(a, members, 4, &count, NULL), STATUS_OK);
    assert_int_equal(count, 0);
    struct lease_member anna = { .party = ANNA, .lane = 0, .batch = 5, .holds = true };
    struct lease_member bert = { .party = BERT, .lane = 0, .batch = 4, .warm = true };
    struct lease_member other = { .party = ANNA, .lane = 1, .batch = 1 };
    char rival[LEASE_URL_SIZE];
    assert_int_equal(a->report(a, &other, rival, NULL), STATUS_OK);
    assert_int_equal(a->report(a, &bert, rival, NULL), STATUS_OK);
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    bert.batch = 5;
    bert.stage = LEASE_STAGE_STOPS;
    other.stage = LEASE_STAGE_STOPPED;
    assert_int_equal(a->report(a, &bert, rival, NULL), STATUS_OK);
    assert_int_equal(a->report(a, &other, rival, NULL), STATUS_OK);
    assert_int_equal(a->members(a, members, 4, &count, NULL), STATUS_OK);
    assert_int_equal(count, 3);
    expect_member(&members[0], &anna);
    expect_member(&members[1], &bert);
    expect_member(&members[2], &other);
    assert_int_equal(a->members(a, members, 2, &count, NULL), STATUS_OK);
    assert_int_equal(count, 2);
    a->close(a);
}

static void another_of_one_name_is_seen(const struct lease_factory *factory)
{
    factory->fresh(factory->owner);
    struct lease *a = factory->open(factory->owner);
    struct lease_member anna = { .party = ANNA };
    struct lease_member again = { .party = ANNA };
    char rival[LEASE_URL_SIZE] = "?";
    memcpy(again.party.url, BERT.url, sizeof again.party.url);
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    assert_string_equal(rival, "");
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    assert_string_equal(rival, "");
    assert_int_equal(a->report(a, &again, rival, NULL), STATUS_OK);
    assert_string_equal(rival, ANNA.url);
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    assert_string_equal(rival, BERT.url);
    anna.stage = LEASE_STAGE_STOPPED; /* it comes back at another place at once */
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    assert_int_equal(a->report(a, &again, rival, NULL), STATUS_OK);
    assert_string_equal(rival, "");
    anna.stage = LEASE_STAGE_RUNS;
    assert_int_equal(a->report(a, &anna, rival, NULL), STATUS_OK);
    factory->pass(factory->owner, LEASE_RIVAL_MS + 100); /* one that has moved is itself */
    assert_int_equal(a->report(a, &again, rival, NULL), STATUS_OK);
    assert_string_equal(rival, "");
    a->close(a);
}

void lease_conformance(const struct lease_factory *factory)
{
    one_holds_it(factory);
    it_ends_by_itself(factory);
    it_goes_first_to_who_was_named(factory);
    what_was_given_back_is_not_renewed(factory);
    members_are_as_they_last_said(factory);
    another_of_one_name_is_seen(factory);
}
