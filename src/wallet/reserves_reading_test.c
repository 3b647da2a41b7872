/*
 * Goal: what accounts stood at, at any position, is what the ledger said there; a journal that is
 * not the signed one, or is not signed so far, gives no balances.
 * Method: a lane in memory with its log; balances beside a sum of its transfers at every unit; the
 * journal changed and chained anew, cut short, and a checkpoint with another root.
 */
#include "wallet/reserves_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

static enum status read_at(struct log_scene *scene, struct position at,
                           struct reserves_reading *out_reading)
{
    struct error error = { 0 };
    const struct tree_head head = { scene->files->head.size, scene->files->head.root };
    const struct reserves_reading_options options = { .journal = &scene->bench->store.port,
                                                      .leaf_key = &scene->key,
                                                      .log = &head,
                                                      .asset = STR("EUR"),
                                                      .at = at,
                                                      .seed = 5 };
    enum status status = reserves_reading_open(&options, out_reading, &error);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

/* Batches: 1 the accounts 1 and 2; 2 forty transfers of 5 to and fro; 3 ten more. */
static void three_batches(struct log_scene *scene)
{
    scene_open(scene);
    scene_pay(scene, 40);
    scene_pay(scene, 10);
    scene_settle(scene);
    assert_int_equal(scene->files->head.size, 52);
}

static void balances_are_those_of_the_position(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct reserves_reading reading;
    three_batches(&scene);
    for (uint32_t unit = 0; unit < 40; unit++) {
        const struct position at = { 2, unit };
        assert_int_equal(read_at(&scene, at, &reading), STATUS_OK);
        assert_int_equal(reading.index, 2 + unit);
        const struct reserves_standing *one =
            reserves_reading_find(&reading, (struct account_id){ test_id(1) });
        assert_non_null(one);
        assert_int_equal((uint64_t)one->balance.debits_posted.minor, 5 * (unit / 2 + 1));
        assert_int_equal((uint64_t)one->balance.credits_posted.minor, 5 * ((unit + 1) / 2));
        reserves_reading_close(&reading);
    }
    static const struct {
        struct position asked;
        struct position found;
        uint64_t index;
    } ends[] = {
        { { 0, 0 }, { 3, 9 }, 51 },
        { { 3, POSITION_INDEX_END }, { 3, 9 }, 51 },
        { { 2, POSITION_INDEX_END }, { 2, 39 }, 41 },
        { { 1, 0 }, { 1, 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        assert_int_equal(read_at(&scene, ends[i].asked, &reading), STATUS_OK);
        assert_int_equal(reading.at.batch, ends[i].found.batch);
        assert_int_equal(reading.at.index, ends[i].found.index);
        assert_int_equal(reading.index, ends[i].index);
        assert_int_equal(reading.count, i == 3 ? 1 : 2); /* the second account came later */
        reserves_reading_close(&reading);
    }
    assert_int_equal(read_at(&scene, (struct position){ 2, 40 }, &reading), STATUS_NOT_FOUND);
    assert_int_equal(read_at(&scene, (struct position){ 4, 0 }, &reading), STATUS_UNAVAILABLE);
    scene_pay(&scene, 1); /* durable, and not signed */
    assert_int_equal(read_at(&scene, (struct position){ 4, 0 }, &reading), STATUS_UNAVAILABLE);
    scene_settle(&scene);
    assert_int_equal(read_at(&scene, (struct position){ 4, 0 }, &reading), STATUS_OK);
    reserves_reading_close(&reading);
    scene_close(&scene);
}

static void another_history_gives_no_balances(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct reserves_reading reading;
    const struct position early = { 2, 3 };
    three_batches(&scene);
    disk_change_transfer(scene.bench->disk, 3); /* behind what is asked for */
    assert_int_equal(read_at(&scene, early, &reading), STATUS_CORRUPT);
    scene_close(&scene);

    three_batches(&scene);
    scene.files->head.root.bytes[0] ^= 1;
    assert_int_equal(read_at(&scene, early, &reading), STATUS_CORRUPT);
    scene.files->head.root.bytes[0] ^= 1;
    scene.files->head.size--; /* no batch ends there */
    assert_int_equal(read_at(&scene, early, &reading), STATUS_CORRUPT);
    scene.files->head.size++;
    disk_roll_back(scene.bench->disk, 2);
    assert_int_equal(read_at(&scene, early, &reading), STATUS_CORRUPT);
    scene_close(&scene);
}

static void an_asset_that_is_none_has_no_accounts(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct reserves_reading reading;
    three_batches(&scene);
    const struct tree_head head = { scene.files->head.size, scene.files->head.root };
    struct reserves_reading_options options = { .journal = &scene.bench->store.port,
                                                .leaf_key = &scene.key,
                                                .log = &head,
                                                .asset = STR("POINTS") };
    assert_int_equal(reserves_reading_open(&options, &reading, NULL), STATUS_NOT_FOUND);
    options.asset = STR("USD");
    assert_int_equal(reserves_reading_open(&options, &reading, NULL), STATUS_OK);
    assert_int_equal(reading.count, 0);
    reserves_reading_close(&reading);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balances_are_those_of_the_position),
        cmocka_unit_test(another_history_gives_no_balances),
        cmocka_unit_test(an_asset_that_is_none_has_no_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
