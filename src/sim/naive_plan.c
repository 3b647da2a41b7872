#include "sim/naive_plan.h"

#include "base/check.h"

/* When people are awake: between 6 and 22 hours of the first day, or of the second until 20. */
static int64_t when(const struct naive_world *world, uint32_t op)
{
    int64_t second = naive_draw(world, "second day", op, 0, 2) == 0 ? NAIVE_DAY : 0;
    int64_t hours = second > 0 ? 14 : 16;
    return second + 6 * NAIVE_HOUR + naive_draw(world, "at", op, 0, hours * 3600 - 1) * NAIVE_S +
           naive_draw(world, "at ms", op, 0, 999) * NAIVE_MS;
}

static struct naive_op *op_add(struct naive_world *world, enum naive_op_kind kind)
{
    CHECK(world->op_count < NAIVE_OPS_MAX);
    uint32_t at = world->op_count++;
    struct naive_op *op = &world->ops[at];
    *op = (struct naive_op){ .kind = kind,
                             .at_us = when(world, at),
                             .from = NAIVE_NONE,
                             .to = NAIVE_NONE,
                             .target = NAIVE_NONE,
                             .payment = NAIVE_NONE,
                             .lost = naive_chance(world, "lost", at, 9),
                             .twice = naive_chance(world, "twice", at, 12),
                             .late = naive_chance(world, "late op", at, 14) };
    naive_id(world, "u", at % 23, op->story);
    return op;
}

static uint32_t user_of(const struct naive_world *world, uint32_t op, uint32_t users)
{
    return (uint32_t)naive_draw(world, "user", op, 0, users - 1);
}

static uint32_t home_of(const struct naive_world *world, uint32_t user)
{
    uint32_t account = naive_of_user(world, user, ASSET_EUR);
    if (account == NAIVE_NONE) account = naive_of_user(world, user, ASSET_JPY);
    return account == NAIVE_NONE ? naive_of_user(world, user, ASSET_KWD) : account;
}

static void topups_plan(struct naive_world *world)
{
    for (uint32_t i = 0; i < 34; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_TOPUP);
        uint32_t user = i < 10 ? 11 + i % 5 : user_of(world, at, NAIVE_USERS);
        op->to = home_of(world, user);
        op->amount = naive_draw(world, "topup", at, 20, 900) * 100;
        op->slow = i % 8 == 3;
        op->timeout = i % 8 == 5;
        op->declined = i % 6 == 4;
        if (op->slow || op->timeout || op->declined) op->lost = op->twice = op->late = false;
    }
    /* Card sales of merchants; their first ones are what refunds and disputes are about. */
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_TOPUP);
        op->to = naive_of_merchant(world, i % NAIVE_MERCHANTS);
        op->amount = naive_draw(world, "sale", at, 15, 300) * 100 + 90;
        op->at_us = 6 * NAIVE_HOUR + (int64_t)(i % 6) * 31 * NAIVE_MINUTE + op->at_us % NAIVE_HOUR;
        op->lost = op->twice = op->late = false;
        op->disputed = i >= 8;
    }
}

static void refunds_plan(struct naive_world *world)
{
    uint32_t sale_first = world->op_count - 12;
    for (uint32_t i = 0; i < 12; i++) {
        const struct naive_op *sale = &world->ops[sale_first + i];
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_REFUND);
        sale = &world->ops[sale_first + i];
        op->target = sale_first + i;
        op->from = sale->to;
        op->amount = i < 4 || i >= 8 ? sale->amount : sale->amount / 4;
        op->agent = i < 4;
        op->twice = false;
        if (op->agent) op->lost = false;
        op->late = false;
        op->at_us = sale->at_us + naive_draw(world, "refund", at, 7, 14) * NAIVE_HOUR;
    }
}

static void transfers_plan(struct naive_world *world)
{
    for (uint32_t i = 0; i < 24; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, i < 12 ? OP_TRANSFER : OP_REMITTANCE);
        uint32_t user = user_of(world, at, 11);
        op->from = home_of(world, user);
        op->to = home_of(world, (user + 1 + (uint32_t)naive_draw(world, "payee", at, 0, 8)) % 11);
        op->amount = naive_draw(world, "transfer", at, 3, 120) * 100 + 50;
        op->declined = op->kind == OP_REMITTANCE && i % 3 == 0; /* the payee's bank says no */
    }
    /* Friends who pay back one person at the same moment. */
    for (uint32_t rush = 0; rush < 5; rush++) {
        uint32_t first = world->op_count;
        for (uint32_t i = 0; i < 3; i++) {
            struct naive_op *op = op_add(world, OP_TRANSFER);
            op->from = home_of(world, 1 + (rush * 3 + i) % 9);
            op->to = home_of(world, 0);
            op->amount = naive_draw(world, "rush", first, 4, 40) * 100 + i + 1;
            op->at_us = world->ops[first].at_us + (int64_t)i * 700;
            op->lost = op->twice = op->late = false;
        }
    }
}

static void purchases_plan(struct naive_world *world)
{
    for (uint32_t i = 0; i < 30; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_PURCHASE);
        op->from = home_of(world, user_of(world, at, 9));
        op->to = naive_of_merchant(world, (uint32_t)naive_draw(world, "shop", at, 0, 2));
        op->amount = naive_draw(world, "purchase", at, 5, 150) * 100 + 99;
        op->abandoned = i % 9 == 7;
    }
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_SPLIT);
        op->from = home_of(world, user_of(world, at, 9));
        op->amount =
            naive_draw(world, "split", at, 10, 90) * 100 + naive_draw(world, "odd", at, 1, 98);
    }
    /* Somebody holds most of the balance, and tries to spend it elsewhere before it is captured. */
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t user = 9 + i;
        uint32_t account = home_of(world, user);
        int64_t at_us = (13 + (int64_t)i * 4) * NAIVE_HOUR;
        struct naive_op *hold = op_add(world, OP_PURCHASE);
        hold->from = account;
        hold->to = naive_of_merchant(world, 0);
        hold->amount = world->accounts[account].opening * 3 / 4;
        hold->at_us = at_us;
        hold->lost = hold->twice = hold->late = false;
        hold->overspend = true;
        struct naive_op *spend = op_add(world, OP_SPLIT);
        spend->from = account;
        spend->amount = world->accounts[account].opening * 3 / 5;
        spend->at_us = at_us + 20 * NAIVE_S;
        spend->lost = spend->twice = spend->late = false;
    }
}

static void others_plan(struct naive_world *world)
{
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_PAYOUT);
        op->from = home_of(world, user_of(world, at, 9));
        op->amount = naive_draw(world, "payout", at, 10, 200) * 100;
    }
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_EXCHANGE);
        uint32_t user = user_of(world, at, 6);
        op->from = naive_of_user(world, user, ASSET_EUR);
        op->to = naive_of_user(world, user, ASSET_USD);
        op->amount = naive_draw(world, "exchange", at, 10, 150) * 100;
    }
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_WITHDRAWAL);
        op->from = naive_of_user(world, user_of(world, at, 6), ASSET_USDT);
        op->amount = naive_draw(world, "withdrawal", at, 5, 60) * 1000000;
        op->slow = i % 2 == 0; /* the node does not answer */
    }
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_ADJUSTMENT);
        op->to = home_of(world, user_of(world, at, 9));
        op->amount = naive_draw(world, "adjust", at, 2, 20) * 100;
        op->lost = op->twice = op->late = false;
    }
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_DEPOSIT);
        op->to = naive_of_user(world, user_of(world, at, 6), ASSET_USDT);
        op->amount = naive_draw(world, "deposit", at, 5, 90) * 1000000;
        op->declined = i % 5 == 1;  /* it fails on the chain */
        op->abandoned = i % 5 == 3; /* its block is thrown out */
    }
}

static void reads_plan(struct naive_world *world)
{
    uint32_t count = world->op_count;
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t at = world->op_count;
        struct naive_op *op = op_add(world, OP_READ);
        uint32_t about = (uint32_t)naive_draw(world, "read about", at, 0, count - 1);
        const struct naive_op *other = &world->ops[about];
        op->from = other->from != NAIVE_NONE ? other->from : other->to;
        /* People look right after they did something. */
        op->at_us = other->at_us + naive_draw(world, "look", at, 400, 3000) * NAIVE_MS;
        op->lost = op->twice = op->late = false;
    }
}

void naive_plan_make(struct naive_world *world)
{
    CHECK(world->op_count == 0);
    topups_plan(world);
    refunds_plan(world);
    transfers_plan(world);
    purchases_plan(world);
    others_plan(world);
    reads_plan(world);
}
