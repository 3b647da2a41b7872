/*
 * Goal: the table finds, lists, expires and sweeps exactly the holds that are open, in order,
 * and an undone removal leaves no trace.
 * Method: a long random walk beside a naive twin (a flag per number); planted damage for the
 * check; the limits by hand.
 */
#include "ledger/hold_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

enum { HOLDS_MAX = 64, NUMBERS_MAX = 20000, UNDONE_MAX = 8 };

static struct hold a_hold(uint64_t number, int64_t expires_ns)
{
    return (struct hold){
        .id = { { .lo = number, .hi = 5 } },
        .remaining = { 10 },
        .number = number,
        .expires_at = { expires_ns },
    };
}

/* What is open, by number; the sweep as a list of what is still to come. */
struct twin {
    struct hold_table table;
    bool open[NUMBERS_MAX + 1];
    int64_t expires_ns[NUMBERS_MAX + 1];
    bool departs[NUMBERS_MAX + 1];
    uint64_t made;
    uint64_t count;
    uint64_t swept_to; /* numbers below are passed */
};

static uint64_t lowest_open(const struct twin *twin, uint64_t from)
{
    while (from <= twin->made && !twin->open[from]) from++;
    return from;
}

static uint64_t first_to_expire(const struct twin *twin)
{
    uint64_t best = 0;
    for (uint64_t i = 1; i <= twin->made; i++) {
        if (!twin->open[i] || twin->expires_ns[i] == 0) continue;
        if (best == 0 || twin->expires_ns[i] < twin->expires_ns[best]) best = i;
    }
    return best;
}

static uint64_t number_at(const struct twin *twin, uint32_t place)
{
    return place == HOLD_NONE ? 0 : twin->table.holds[place].number;
}

static void assert_agrees(const struct twin *twin)
{
    const struct hold_table *table = &twin->table;
    assert_int_equal(hold_table_check(table), STATUS_OK);
    assert_int_equal(table->count, twin->count);
    assert_int_equal(number_at(twin, hold_first_to_expire(table)), first_to_expire(twin));
    uint32_t at = table->first;
    for (uint64_t i = lowest_open(twin, 1); i <= twin->made; i = lowest_open(twin, i + 1)) {
        assert_int_equal(number_at(twin, at), i);
        at = table->holds[at].next;
    }
    assert_int_equal(at, HOLD_NONE);
    uint32_t departures = 0;
    for (uint64_t i = 1; i <= twin->made; i++) departures += twin->open[i] && twin->departs[i];
    assert_int_equal(table->departure_count, departures);
    for (uint32_t i = 0; i < departures; i++) {
        uint64_t number = number_at(twin, table->departures[i]);
        assert_true(twin->open[number] && twin->departs[number]);
    }
    uint64_t due = lowest_open(twin, twin->swept_to);
    assert_int_equal(number_at(twin, table->sweep), due <= twin->made ? due : 0);
}

static uint64_t any_open(const struct twin *twin, struct prng *prng)
{
    uint64_t number = lowest_open(twin, prng_between(prng, 1, twin->made));
    return number <= twin->made ? number : lowest_open(twin, 1);
}

static uint32_t place_of(const struct twin *twin, uint64_t number)
{
    return hold_find(&twin->table, (struct transfer_id){ { .lo = number, .hi = 5 } });
}

static void make_one(struct twin *twin, struct prng *prng)
{
    if (hold_table_full(&twin->table)) return;
    uint64_t number = ++twin->made;
    /* few moments, so that many expire at once */
    twin->expires_ns[number] = (int64_t)prng_below(prng, 6);
    bool departs = twin->expires_ns[number] == 0 && number % 2 == 0;
    struct hold hold = a_hold(number, twin->expires_ns[number]);
    if (departs) hold.owned = HOLD_OF_TRANSIT;
    twin->departs[number] = departs;
    (void)hold_insert(&twin->table, &hold); /* found by its id below */
    twin->open[number] = true;
    twin->count++;
}

/* Removes some, puts all of them back, last first; or, for one, leaves it removed. */
static void remove_some(struct twin *twin, struct prng *prng)
{
    if (twin->count == 0) return;
    if (prng_chance(prng, 1, 2)) {
        uint64_t number = any_open(twin, prng);
        hold_remove(&twin->table, place_of(twin, number));
        assert_int_equal(place_of(twin, number), HOLD_NONE);
        twin->open[number] = false;
        twin->count--;
        return;
    }
    uint32_t places[UNDONE_MAX];
    struct hold holds[UNDONE_MAX];
    uint32_t removed = 0;
    uint64_t wanted = prng_between(prng, 1, UNDONE_MAX);
    while (removed < wanted && twin->table.count > 0) {
        uint32_t place = twin->table.first;
        uint64_t steps = prng_below(prng, twin->table.count);
        while (steps-- > 0) place = twin->table.holds[place].next;
        places[removed] = place;
        holds[removed] = twin->table.holds[place];
        hold_remove(&twin->table, place);
        removed++;
    }
    while (removed-- > 0) {
        hold_restore(&twin->table, places[removed], &holds[removed]);
        assert_int_equal(place_of(twin, holds[removed].number), places[removed]);
    }
}

static void sweep_on(struct twin *twin, struct prng *prng)
{
    if (twin->table.sweep == HOLD_NONE || prng_chance(prng, 1, 10)) {
        hold_sweep_start(&twin->table);
        twin->swept_to = 1;
    } else {
        twin->swept_to = number_at(twin, twin->table.sweep) + 1;
        hold_sweep_pass(&twin->table);
    }
}

static void agrees_with_a_naive_twin(void **state)
{
    (void)state;
    static struct twin twin;
    twin.swept_to = 1;
    struct prng prng;
    prng_init(&prng, 11);
    assert_int_equal(hold_table_init(&twin.table, HOLDS_MAX, 7), STATUS_OK);
    for (int step = 0; step < 15000 && twin.made < NUMBERS_MAX; step++) {
        uint64_t what = prng_below(&prng, 8);
        if (what < 4) make_one(&twin, &prng);
        if (what >= 4 && what < 6) remove_some(&twin, &prng);
        if (what >= 6) sweep_on(&twin, &prng);
        if (step % 16 == 0 || step < 500) assert_agrees(&twin);
    }
    hold_table_reset(&twin.table);
    assert_int_equal(hold_table_check(&twin.table), STATUS_OK);
    assert_int_equal(twin.table.sweep, HOLD_NONE);
    assert_int_equal(hold_first_to_expire(&twin.table), HOLD_NONE);
    assert_int_equal(place_of(&twin, lowest_open(&twin, 1)), HOLD_NONE);
    hold_table_free(&twin.table);
    hold_table_free(&twin.table);
}

static void holds_of_one_moment_expire_in_order_of_making(void **state)
{
    (void)state;
    struct hold_table table;
    assert_int_equal(hold_table_init(&table, HOLDS_MAX, 7), STATUS_OK);
    for (uint64_t i = 1; i <= HOLDS_MAX; i++) {
        struct hold hold = a_hold(i, 100);
        (void)hold_insert(&table, &hold); /* found by expiry */
    }
    assert_true(hold_table_full(&table));
    for (uint64_t i = 1; i <= HOLDS_MAX; i++) {
        uint32_t place = hold_first_to_expire(&table);
        assert_int_equal(table.holds[place].number, i);
        hold_remove(&table, place);
    }
    hold_table_free(&table);
}

static void an_expiry_past_the_end_of_time_is_the_end_of_time(void **state)
{
    (void)state;
    struct wall_time now = { 5 };
    assert_int_equal(hold_expires_at(now, 0).ns, 0);
    assert_int_equal(hold_expires_at(now, 1).ns, 5 + NS_PER_S);
    struct wall_time late = { INT64_MAX - NS_PER_S };
    assert_int_equal(hold_expires_at(late, 1).ns, INT64_MAX);
    assert_int_equal(hold_expires_at(late, 2).ns, INT64_MAX);
    assert_int_equal(hold_expires_at(late, UINT32_MAX).ns, INT64_MAX);
}

/* Four holds, places 0 to 3; the second is a departure. */
static struct hold_table four_holds(void)
{
    struct hold_table table;
    assert_int_equal(hold_table_init(&table, 4, 7), STATUS_OK);
    for (uint64_t i = 1; i <= 4; i++) {
        struct hold hold = a_hold(i, i == 2 ? 0 : (int64_t)(100 * i));
        if (i == 2) hold.owned = HOLD_OF_TRANSIT;
        assert_int_equal(hold_insert(&table, &hold), i - 1);
    }
    return table;
}

static void damage_plant(struct hold_table *table, int damage)
{
    struct hold *holds = table->holds;
    switch (damage) {
    case 0: holds[1].previous = 3; return;
    case 1: holds[3].next = 0; return; /* a ring */
    case 2: holds[2].number = 2; return;
    case 3: holds[0].remaining = MONEY_ZERO; return;
    case 4: holds[2].id.value.lo = 77; return;
    case 5: holds[2].heap_index = 9; return;
    case 6: holds[2].heap_index = 0; return;
    case 7: holds[3].expires_at.ns = 1; return; /* before its parent */
    case 8: table->count = 3; return;
    case 9: table->count = 5; return;
    case 10: table->heap_count = 2; return;
    case 11: table->last = 2; return;
    case 12: holds[0].expires_at.ns = 0; return; /* in the heap all the same */
    case 13: table->map.count = 5; return;
    case 14: holds[1].owned = HOLD_OF_PAYMENT; return;
    case 15: holds[1].heap_index = 3; return;
    case 16: table->departure_count = 0; return;
    case 17: table->departures[0] = 2; return;
    case 18: holds[2].owned = HOLD_OF_TRANSIT; return; /* and expires */
    default: return;
    }
}

static void the_check_finds_each_damage(void **state)
{
    (void)state;
    enum { DAMAGES = 19 };
    for (int damage = 0; damage <= DAMAGES; damage++) {
        struct hold_table table = four_holds();
        assert_int_equal(hold_table_check(&table), STATUS_OK);
        damage_plant(&table, damage);
        enum status expected = damage < DAMAGES ? STATUS_CORRUPT : STATUS_OK;
        if (hold_table_check(&table) != expected) fail_msg("damage %d", damage);
        hold_table_free(&table);
    }
}

static void insert_again(void *table)
{
    struct hold hold = a_hold(9, 0);
    (void)hold_insert(table, &hold); /* never returns */
}

static void insert_an_old_number(void *table)
{
    struct hold hold = a_hold(4, 0);
    (void)hold_insert(table, &hold); /* never returns */
}

static void insert_a_departure_that_expires(void *table)
{
    struct hold hold = a_hold(9, 5);
    hold.owned = HOLD_OF_TRANSIT;
    (void)hold_insert(table, &hold); /* never returns */
}

static void insert_nothing(void *table)
{
    struct hold hold = a_hold(9, 0);
    hold.remaining = MONEY_ZERO;
    (void)hold_insert(table, &hold); /* never returns */
}

static void what_cannot_be_inserted_stops_the_program(void **state)
{
    (void)state;
    struct hold_table table = four_holds();
    assert_true(dies(insert_again, &table)); /* full */
    hold_remove(&table, 0);
    assert_false(dies(insert_again, &table));
    assert_true(dies(insert_a_departure_that_expires, &table));
    assert_true(dies(insert_an_old_number, &table));
    assert_true(dies(insert_nothing, &table));
    hold_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_twin),
        cmocka_unit_test(holds_of_one_moment_expire_in_order_of_making),
        cmocka_unit_test(an_expiry_past_the_end_of_time_is_the_end_of_time),
        cmocka_unit_test(the_check_finds_each_damage),
        cmocka_unit_test(what_cannot_be_inserted_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
