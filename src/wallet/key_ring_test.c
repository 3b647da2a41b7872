/*
 * Goal: keys of the followed lane count as they are; when it is gone, those that it had, for a
 * while.
 * Method: a lane with keys, some revoked, followed, left and followed again; a clock of the test's.
 */
#include "wallet/key_ring.h"

#include "wallet/lane_test.h"

static struct digest secret(uint8_t number)
{
    struct digest digest = { { number } };
    return digest;
}

static struct principal_id key_change(struct bench *bench, const struct admin *admin)
{
    struct admin_result result = { 0 };
    struct request request = {
        .kind = REQUEST_ADMIN,
        .root = lane_new_id(bench->lane),
        .admin = admin,
        .admin_result = &result,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, ADMIN_OUTCOME_OK);
    return result.credential;
}

static struct principal_id key_make(struct bench *bench, uint8_t number)
{
    struct admin admin = { .kind = ADMIN_CREDENTIAL_CREATE };
    admin.credential.scopes = SCOPE_ADMIN;
    admin.credential.secret_digest = secret(number);
    admin.credential.name[0] = 'a';
    return key_change(bench, &admin);
}

static void key_revoke(struct bench *bench, struct principal_id id)
{
    struct admin admin = { .kind = ADMIN_CREDENTIAL_REVOKE, .credential = { .id = id } };
    (void)key_change(bench, &admin); /* the same key */
}

static enum status find(struct key_ring *ring, uint8_t number)
{
    struct digest digest = secret(number);
    struct credential found;
    return key_ring_find(ring, &digest, &found);
}

static void what_was_known_last_counts_while_the_lane_is_gone(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct key_ring *ring = NULL;
    assert_int_equal(key_ring_new(&bench->sync.port, &bench->clock.port, &ring), STATUS_OK);
    struct principal_id first = key_make(bench, 1);
    struct principal_id second = key_make(bench, 2);
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE); /* nothing is known of any key */
    key_ring_leave(ring);
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE);
    key_ring_follow(ring, bench->lane, clock_monotonic(&bench->clock.port));
    assert_int_equal(find(ring, 1), STATUS_OK);
    assert_int_equal(find(ring, 3), STATUS_NOT_FOUND);
    key_revoke(bench, first);
    assert_int_equal(find(ring, 1), STATUS_NOT_FOUND);
    key_ring_leave(ring);
    key_revoke(bench, second); /* by another owner, which this process does not see */
    assert_int_equal(find(ring, 1), STATUS_NOT_FOUND);
    assert_int_equal(find(ring, 2), STATUS_OK);
    assert_int_equal(find(ring, 3), STATUS_NOT_FOUND);
    key_ring_follow(ring, bench->lane, clock_monotonic(&bench->clock.port));
    assert_int_equal(find(ring, 2), STATUS_NOT_FOUND);
    key_ring_leave(ring);
    key_ring_free(ring);
    key_ring_free(NULL);
    bench_free(bench);
}

static void what_is_kept_does_not_count_for_ever(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct key_ring *ring = NULL;
    assert_int_equal(key_ring_new(&bench->sync.port, &bench->clock.port, &ring), STATUS_OK);
    (void)key_make(bench, 1); /* it is found by its number */
    key_ring_follow(ring, bench->lane, clock_monotonic(&bench->clock.port));
    key_ring_follow(ring, bench->lane, MONOTONIC_NEVER);
    bench->monotonic_ns += 2 * KEY_RING_KEPT_S * NS_PER_S;
    assert_int_equal(find(ring, 1), STATUS_OK); /* while it is owned time does not matter */
    key_ring_leave(ring);
    bench->monotonic_ns += (KEY_RING_KEPT_S - 1) * NS_PER_S;
    assert_int_equal(find(ring, 1), STATUS_OK);
    key_ring_leave(ring); /* again: they are no newer for it */
    bench->monotonic_ns += NS_PER_S;
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE);
    assert_int_equal(find(ring, 2), STATUS_UNAVAILABLE);
    key_ring_follow(ring, bench->lane, clock_monotonic(&bench->clock.port));
    assert_int_equal(find(ring, 1), STATUS_OK);
    key_ring_leave(ring);
    assert_int_equal(find(ring, 1), STATUS_OK);
    key_ring_free(ring);
    bench_free(bench);
}

/* Another owner may have revoked keys, and nothing of it has come here. */
static void a_lane_that_is_not_known_to_be_whole_does_not_count_for_ever(void **state)
{
    (void)state; /* no fixture */
    struct bench *bench = bench_new();
    struct key_ring *ring = NULL;
    assert_int_equal(key_ring_new(&bench->sync.port, &bench->clock.port, &ring), STATUS_OK);
    (void)key_make(bench, 1); /* it is found by its number */
    struct monotonic_time whole = clock_monotonic(&bench->clock.port);
    key_ring_follow(ring, bench->lane, whole);
    bench->monotonic_ns += (KEY_RING_KEPT_S - 1) * NS_PER_S;
    assert_int_equal(find(ring, 1), STATUS_OK);
    bench->monotonic_ns += NS_PER_S;
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE);
    key_ring_follow(ring, bench->lane, whole); /* a look, and no progress */
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE);
    key_ring_leave(ring);
    assert_int_equal(find(ring, 1), STATUS_UNAVAILABLE); /* no newer for it */
    key_ring_follow(ring, bench->lane, clock_monotonic(&bench->clock.port));
    assert_int_equal(find(ring, 1), STATUS_OK);
    key_ring_free(ring);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_known_last_counts_while_the_lane_is_gone),
        cmocka_unit_test(what_is_kept_does_not_count_for_ever),
        cmocka_unit_test(a_lane_that_is_not_known_to_be_whole_does_not_count_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
