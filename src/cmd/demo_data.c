/* Integers only, from one generator (splitmix64), so that every machine makes the same files. */
#include "cmd/demo_data.h"

#include "base/check.h"

enum { STEPS = 720, RING_MEMBERS = 5 };

static uint64_t random_next(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    CHECK(bound > 0);
    return (uint32_t)(random_next(state) % bound);
}

/* Every fortieth account belongs to a ring that moves money in a circle. */
static int in_ring(uint32_t account)
{
    return account % 40 < RING_MEMBERS && account / 40 % RING_MEMBERS == 0;
}

enum status demo_data_accounts(const struct demo_data_size *size, FILE *file)
{
    CHECK(size->accounts >= 10);
    uint64_t state = size->seed;
    if (fprintf(file, "nodeid,isFraud,init_balance,fraudStep\n") < 0) return STATUS_LIMIT;
    for (uint32_t account = 0; account < size->accounts; account++) {
        uint32_t cents = 10000 + random_below(&state, 10001); /* 100.00 to 200.00 */
        uint32_t step = 1 + random_below(&state, STEPS);
        int length =
            in_ring(account)
                ? fprintf(file, "%u,1,%u.%02u,%u\n", account, cents / 100, cents % 100, step)
                : fprintf(file, "%u,0,%u.%02u,-1\n", account, cents / 100, cents % 100);
        if (length < 0) return STATUS_LIMIT;
    }
    return STATUS_OK;
}

/* Half of all money goes to the first hundredth of the accounts, the shops. */
static uint32_t pick_target(uint64_t *state, uint32_t accounts, uint32_t source)
{
    uint32_t shops = accounts / 100 + 1;
    uint32_t target =
        random_below(state, 2) == 0 ? random_below(state, shops) : random_below(state, accounts);
    return target == source ? (target + 1) % accounts : target;
}

enum status demo_data_transfers(const struct demo_data_size *size, FILE *file)
{
    CHECK(size->accounts >= 10);
    uint64_t state = size->seed ^ 0x7472616E73666572;
    if (fprintf(file, "sourceNodeId,targetNodeId,value,time\n") < 0) return STATUS_LIMIT;
    for (uint32_t i = 0; i < size->transfers; i++) {
        uint32_t source = random_below(&state, size->accounts);
        uint32_t target = pick_target(&state, size->accounts, source);
        if (in_ring(source)) target = (source + 1) % size->accounts;
        uint32_t cents = 200 + random_below(&state, 14800); /* 2.00 to 149.99 */
        uint32_t step = 1 + (uint32_t)((uint64_t)i * STEPS / size->transfers);
        /* as in the sample, a last zero is not written: 163.3 */
        int length = cents % 10 == 0 ? fprintf(file, "%u,%u,%u.%u,%u\n", source, target,
                                               cents / 100, cents / 10 % 10, step)
                                     : fprintf(file, "%u,%u,%u.%02u,%u\n", source, target,
                                               cents / 100, cents % 100, step);
        if (length < 0) return STATUS_LIMIT;
    }
    return STATUS_OK;
}
