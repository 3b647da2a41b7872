/*
 * Goal: open payments are found by id, kept at their place until they rest, handed out once when
 * they are due and durable, and made again from their slots as they were.
 * Method: a random walk beside a naive list; then each rule by itself; damage to what is derived.
 */
#include "ledger/payment_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/prng.h"

enum { SLOTS = 24, IDS = 64, STEPS = 20000 };

/* What a list would know of a payment. */
struct known {
    bool open;
    bool taken;
    uint32_t place;
    int64_t due_ns;
    uint64_t batch;
    uint8_t state;
    int64_t step_ns;
};

struct twin {
    struct payment_table table;
    struct known known[IDS];
    uint64_t batch;
};

static struct payment_id id_of(uint32_t number)
{
    return (struct payment_id){ { .lo = number + 1, .hi = 9 } };
}

static struct payment image(uint32_t number, uint8_t state, int64_t due_ns, uint32_t place)
{
    return (struct payment){
        .id = id_of(number),
        .kind = PAYMENT_PAY_IN,
        .state = state,
        .next_at = { due_ns },
        .slot = place,
    };
}

static void apply(struct twin *twin, const struct payment *payment)
{
    twin->batch++;
    payment_table_apply(&twin->table, payment, locator_make(twin->batch, 128), twin->batch);
}

static void move(struct twin *twin, struct prng *prng)
{
    uint32_t number = (uint32_t)prng_below(prng, IDS);
    struct known *known = &twin->known[number];
    uint32_t place = known->open ? known->place : payment_next_place(&twin->table);
    if (place == PAYMENT_SLOT_NONE) return;
    bool rests = known->open && prng_chance(prng, 1, 3);
    int64_t due_ns = prng_chance(prng, 1, 4) ? 0 : (int64_t)prng_below(prng, 500) + 1;
    static const uint8_t states[] = { PAYMENT_STATE_PENDING, PAYMENT_STATE_IN_DOUBT,
                                      PAYMENT_STATE_MANUAL };
    uint8_t state = rests ? PAYMENT_STATE_SUCCEEDED : states[prng_below(prng, 3)];
    struct payment payment = image(number, state, rests ? 0 : due_ns, place);
    payment.step_at.ns = (int64_t)prng_below(prng, 300) + 1;
    apply(twin, &payment);
    *known = (struct known){ .open = !rests,
                             .place = place,
                             .due_ns = rests ? 0 : due_ns,
                             .batch = twin->batch,
                             .state = state,
                             .step_ns = payment.step_at.ns };
}

/* The first that is due by time, then by place: IDS when there is none. */
static uint32_t first_due(const struct twin *twin)
{
    uint32_t first = IDS;
    for (uint32_t i = 0; i < IDS; i++) {
        const struct known *known = &twin->known[i];
        if (!known->open || known->taken || known->due_ns == 0) continue;
        if (first == IDS || known->due_ns < twin->known[first].due_ns ||
            (known->due_ns == twin->known[first].due_ns &&
             known->place < twin->known[first].place)) {
            first = i;
        }
    }
    return first;
}

/* The least time of a step of those in a state; 0: there is none. */
static int64_t oldest_ns(const struct twin *twin, uint8_t state)
{
    int64_t oldest = 0;
    for (uint32_t i = 0; i < IDS; i++) {
        const struct known *known = &twin->known[i];
        if (!known->open || known->state != state) continue;
        if (oldest == 0 || known->step_ns < oldest) oldest = known->step_ns;
    }
    return oldest;
}

static void take(struct twin *twin, struct prng *prng)
{
    struct wall_time now = { (int64_t)prng_below(prng, 500) };
    uint64_t durable = twin->batch - prng_below(prng, 3);
    uint32_t first = first_due(twin);
    uint32_t place = payment_take_due(&twin->table, now, durable);
    bool due =
        first < IDS && twin->known[first].due_ns <= now.ns && twin->known[first].batch <= durable;
    if (!due) {
        assert_int_equal(place, PAYMENT_SLOT_NONE);
        return;
    }
    assert_int_equal(place, twin->known[first].place);
    twin->known[first].taken = true;
}

static void put_back(struct twin *twin, struct prng *prng)
{
    uint32_t number = (uint32_t)prng_below(prng, IDS);
    payment_put_back(&twin->table, id_of(number));
    twin->known[number].taken = false;
}

static void assert_agrees(const struct twin *twin)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < IDS; i++) {
        uint32_t place = payment_find(&twin->table, id_of(i));
        assert_int_equal(place, twin->known[i].open ? twin->known[i].place : PAYMENT_SLOT_NONE);
        open += twin->known[i].open;
    }
    assert_int_equal(twin->table.count, open);
    uint32_t first = first_due(twin);
    int64_t due_ns = first < IDS ? twin->known[first].due_ns : 0;
    assert_int_equal(payment_first_due(&twin->table).ns, due_ns);
    static const uint8_t states[] = { PAYMENT_STATE_IN_DOUBT, PAYMENT_STATE_MANUAL };
    for (int i = 0; i < 2; i++)
        assert_int_equal(payment_oldest(&twin->table, states[i]).ns, oldest_ns(twin, states[i]));
    assert_int_equal(payment_table_check(&twin->table), STATUS_OK);
}

static void agrees_with_a_naive_list(void **state)
{
    (void)state;
    static struct twin twin;
    struct prng prng;
    prng_init(&prng, 3);
    assert_int_equal(payment_table_init(&twin.table, SLOTS, 7), STATUS_OK);
    twin.batch = 3;
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = prng_below(&prng, 8);
        if (what < 5) move(&twin, &prng);
        if (what == 5 || what == 6) take(&twin, &prng);
        if (what == 7) put_back(&twin, &prng);
        if (step % 16 == 0 || step < 500) assert_agrees(&twin);
    }
    payment_table_free(&twin.table);
}

/* What was taken is due anew after a restart. */
static void slots_make_the_table_again(void **state)
{
    (void)state;
    static struct twin twin;
    struct prng prng;
    prng_init(&prng, 4);
    assert_int_equal(payment_table_init(&twin.table, SLOTS, 7), STATUS_OK);
    for (int step = 0; step < 300; step++) move(&twin, &prng);
    take(&twin, &prng);
    struct payment_table again;
    assert_int_equal(payment_table_init(&again, SLOTS, 11), STATUS_OK);
    for (uint32_t place = twin.table.used; place > 0; place--) {
        payment_slot_set(&again, place - 1, &twin.table.slots[place - 1]);
    }
    assert_int_equal(payment_table_recovered(&again), STATUS_OK);
    assert_int_equal(payment_table_check(&again), STATUS_OK);
    payment_table_free(&twin.table);
    twin.table = again;
    for (uint32_t i = 0; i < IDS; i++) twin.known[i].taken = false;
    assert_agrees(&twin);
    payment_table_reset(&twin.table);
    assert_int_equal(payment_table_check(&twin.table), STATUS_OK);
    assert_int_equal(twin.table.count, 0);
    payment_table_free(&twin.table);
}

static void a_full_table_has_no_next_place(void **state)
{
    (void)state;
    static struct twin twin;
    assert_int_equal(payment_table_init(&twin.table, 2, 7), STATUS_OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct payment payment =
            image(i, PAYMENT_STATE_PENDING, 5, payment_next_place(&twin.table));
        apply(&twin, &payment);
    }
    assert_int_equal(payment_next_place(&twin.table), PAYMENT_SLOT_NONE);
    struct payment rests = image(0, PAYMENT_STATE_FAILED, 0, 0);
    apply(&twin, &rests);
    assert_int_equal(payment_next_place(&twin.table), 0);
    payment_table_free(&twin.table);
    struct payment_table none; /* a ledger without payments */
    assert_int_equal(payment_table_init(&none, 0, 7), STATUS_OK);
    assert_int_equal(payment_next_place(&none), PAYMENT_SLOT_NONE);
    assert_int_equal(payment_find(&none, id_of(1)), PAYMENT_SLOT_NONE);
    payment_table_free(&none);
}

static void damage_is_found(void **state)
{
    (void)state;
    for (int damage = 0; damage < 8; damage++) {
        static struct twin twin;
        memset(&twin, 0, sizeof twin);
        assert_int_equal(payment_table_init(&twin.table, SLOTS, 7), STATUS_OK);
        for (uint32_t i = 0; i < 4; i++) {
            uint8_t at = i < 2 ? PAYMENT_STATE_PENDING : PAYMENT_STATE_IN_DOUBT;
            struct payment payment = image(i, at, 10 + i, payment_next_place(&twin.table));
            payment.step_at.ns = 20 - i;
            apply(&twin, &payment);
        }
        struct payment rests = image(1, PAYMENT_STATE_FAILED, 0, 1);
        apply(&twin, &rests);
        assert_int_equal(payment_table_check(&twin.table), STATUS_OK);
        if (damage == 0) twin.table.slots[0].payment.slot = 3;
        if (damage == 1) twin.table.slots[2].payment.next_at.ns = 1;
        if (damage == 2) twin.table.count++;
        if (damage == 3) twin.table.free_places[0] = 2;
        if (damage == 4) twin.table.due.indexes[0] = 2;
        if (damage == 5) {
            twin.table.slots[0].payment.state = PAYMENT_STATE_FAILED;
            twin.table.slots[0].payment.next_at.ns = 0;
        }
        if (damage == 6) twin.table.slots[2].payment.step_at.ns = 5;
        if (damage == 7) twin.table.in_doubt.count--;
        assert_int_equal(payment_table_check(&twin.table), STATUS_CORRUPT);
        payment_table_free(&twin.table);
    }
}

static void an_id_in_two_places_is_damage(void **state)
{
    (void)state;
    struct payment_table table;
    assert_int_equal(payment_table_init(&table, SLOTS, 7), STATUS_OK);
    for (uint32_t place = 0; place < 2; place++) {
        struct payment_slot slot = { .payment = image(5, PAYMENT_STATE_PENDING, 1, place) };
        payment_slot_set(&table, place, &slot);
    }
    assert_int_equal(payment_table_recovered(&table), STATUS_CORRUPT);
    payment_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_list),
        cmocka_unit_test(slots_make_the_table_again),
        cmocka_unit_test(a_full_table_has_no_next_place),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(an_id_in_two_places_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
