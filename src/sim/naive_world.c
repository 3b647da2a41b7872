#include "sim/naive_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/prng.h"
#include "base/time.h"

const char *const naive_asset_codes[NAIVE_ASSETS] = { "EUR", "USD", "JPY", "KWD", "USDT" };
const uint32_t naive_asset_exponents[NAIVE_ASSETS] = { 2, 2, 0, 3, 6 };

#define NAIVE_ROLE_TEXT(name, text) text,
const char *const naive_role_names[NAIVE_ROLES] = { NAIVE_ROLE_TABLE(NAIVE_ROLE_TEXT) };

/* ---- chance ---- */

int64_t naive_draw(const struct naive_world *world, const char *stream, uint64_t key, int64_t first,
                   int64_t last)
{
    CHECK(first <= last);
    struct prng prng;
    uint64_t name = hash_bytes(stream, strlen(stream));
    prng_init(&prng, hash_fold(world->seed ^ name, key + 0x9E3779B97F4A7C15U) ^ key);
    return first + (int64_t)prng_below(&prng, (uint64_t)(last - first) + 1);
}

bool naive_chance(const struct naive_world *world, const char *stream, uint64_t key, int64_t of)
{
    return naive_draw(world, stream, key, 1, of) == 1;
}

void naive_text(char out[NAIVE_TEXT_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(out, NAIVE_TEXT_SIZE, format, arguments);
    va_end(arguments);
    CHECK(len >= 0 && len < NAIVE_TEXT_SIZE);
}

void naive_id(const struct naive_world *world, const char *prefix, uint64_t key,
              char out[NAIVE_TEXT_SIZE])
{
    uint64_t digits = (uint64_t)naive_draw(world, prefix, key, 0, INT64_MAX - 1);
    naive_text(out, "%s%016llx", prefix, (unsigned long long)digits);
}

void naive_day(const struct naive_world *world, int64_t day, char out[NAIVE_TEXT_SIZE])
{
    char text[DATE_TEXT_SIZE];
    int64_t days = world->start_unix_us / NAIVE_DAY + day;
    struct str date = business_date_format((struct business_date){ (int32_t)days }, text);
    naive_text(out, "%.*s", STR_ARG(date));
}

bool naive_broken(const struct naive_world *world, enum naive_fault fault)
{
    if (!world->faults.broken[fault]) return false;
    return world->now_us >= world->since_us[fault] && world->now_us < world->until_us[fault];
}

/* ---- accounts ---- */

static void account_add(struct naive_world *world, enum naive_role role, enum naive_asset asset,
                        uint32_t user, int64_t opening)
{
    CHECK(world->account_count < NAIVE_ACCOUNTS_MAX);
    struct naive_account *account = &world->accounts[world->account_count];
    *account = (struct naive_account){
        .role = role,
        .asset = asset,
        .user = user,
        .opening = opening,
        .balance = opening,
        .cached_us = -1,
    };
    naive_text(account->id, "a%lld%02u",
               (long long)naive_draw(world, "account", world->account_count, 1000, 9999),
               world->account_count);
    world->account_count++;
}

uint32_t naive_own(const struct naive_world *world, enum naive_role role, enum naive_asset asset)
{
    for (uint32_t i = 0; i < world->account_count; i++) {
        const struct naive_account *account = &world->accounts[i];
        if (account->role == role && account->asset == asset && account->user == NAIVE_NONE)
            return i;
    }
    CHECK(role < NAIVE_ROLES && asset == NAIVE_ASSETS); /* every role has every asset */
    return NAIVE_NONE;
}

uint32_t naive_of_user(const struct naive_world *world, uint32_t user, enum naive_asset asset)
{
    for (uint32_t i = 0; i < world->account_count; i++) {
        const struct naive_account *account = &world->accounts[i];
        if (account->role == ROLE_CUSTOMER && account->user == user && account->asset == asset)
            return i;
    }
    return NAIVE_NONE;
}

uint32_t naive_of_merchant(const struct naive_world *world, uint32_t merchant)
{
    for (uint32_t i = 0; i < world->account_count; i++)
        if (world->accounts[i].role == ROLE_MERCHANT && world->accounts[i].user == merchant)
            return i;
    CHECK(merchant < NAIVE_MERCHANTS);
    return NAIVE_NONE;
}

static enum naive_asset home_asset(uint32_t user)
{
    switch (user) {
    case 11:
    case 12:
    case 13: return ASSET_JPY;
    case 14:
    case 15: return ASSET_KWD;
    default: return ASSET_EUR;
    }
}

/* What is in an account before the first day: enough for everything that is planned. */
static int64_t opening_of(const struct naive_world *world, uint32_t user)
{
    int64_t whole = naive_draw(world, "opening", user, 4000, 9000);
    int64_t odd = naive_draw(world, "opening odd", user, 1, 99);
    return whole * 100 + odd;
}

static void accounts_open(struct naive_world *world)
{
    int64_t totals[NAIVE_ASSETS] = { 0 };
    for (uint32_t user = 0; user < NAIVE_USERS; user++) {
        enum naive_asset home = home_asset(user);
        int64_t opening = opening_of(world, user);
        account_add(world, ROLE_CUSTOMER, home, user, opening);
        totals[home] += opening;
        if (user >= 6) continue;
        account_add(world, ROLE_CUSTOMER, ASSET_USD, user, opening / 2);
        account_add(world, ROLE_CUSTOMER, ASSET_USDT, user, opening * 10000);
        totals[ASSET_USD] += opening / 2;
        totals[ASSET_USDT] += opening * 10000;
    }
    for (uint32_t merchant = 0; merchant < NAIVE_MERCHANTS; merchant++) {
        int64_t opening = opening_of(world, NAIVE_USERS + merchant) * 10;
        account_add(world, ROLE_MERCHANT, ASSET_EUR, merchant, opening);
        totals[ASSET_EUR] += opening;
    }
    for (uint32_t asset = 0; asset < NAIVE_ASSETS; asset++) {
        for (uint32_t role = ROLE_PSP; role < NAIVE_ROLES; role++) {
            bool keeps = role == (asset == ASSET_USDT ? ROLE_CUSTODY : ROLE_SAFE);
            account_add(world, (enum naive_role)role, (enum naive_asset)asset, NAIVE_NONE,
                        keeps ? -totals[asset] : 0);
        }
    }
}

/* ---- what is due ---- */

static bool due_before(const struct naive_due *a, const struct naive_due *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void due_swap(struct naive_due *a, struct naive_due *b)
{
    struct naive_due kept = *a;
    *a = *b;
    *b = kept;
}

void naive_at(struct naive_world *world, int64_t at_us, naive_step *step, uint32_t subject,
              uint32_t argument)
{
    CHECK(world->due_count < NAIVE_AGENDA_MAX);
    uint32_t at = world->due_count++;
    world->due[at] = (struct naive_due){
        .at_us = at_us < world->now_us ? world->now_us : at_us,
        .sequence = world->due_sequence++,
        .subject = subject,
        .argument = argument,
        .step = step,
    };
    while (at > 0 && due_before(&world->due[at], &world->due[(at - 1) / 2])) {
        due_swap(&world->due[at], &world->due[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

void naive_later(struct naive_world *world, int64_t after_us, naive_step *step, uint32_t subject,
                 uint32_t argument)
{
    naive_at(world, world->now_us + after_us, step, subject, argument);
}

static struct naive_due due_take(struct naive_world *world)
{
    struct naive_due first = world->due[0];
    world->due[0] = world->due[--world->due_count];
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < world->due_count; child++)
            if (due_before(&world->due[child], &world->due[least])) least = child;
        if (least == at) return first;
        due_swap(&world->due[at], &world->due[least]);
        at = least;
    }
}

void naive_world_run(struct naive_world *world)
{
    while (world->due_count > 0 && world->due[0].at_us <= NAIVE_END) {
        struct naive_due due = due_take(world);
        world->now_us = due.at_us;
        due.step(world, due.subject, due.argument);
    }
    world->now_us = NAIVE_END;
}

/* ---- a case ---- */

/* The Saturdays before clocks go back in central Europe. */
static const int64_t first_days_unix_s[] = { 1761350400, 1792800000, 1824854400 };

static void faults_set(struct naive_world *world, const struct naive_fault_set *faults)
{
    world->faults = *faults;
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++) {
        world->since_us[i] = naive_draw(world, "since", i, 7, 11) * NAIVE_HOUR +
                             naive_draw(world, "since ms", i, 0, 3599) * NAIVE_S;
        world->until_us[i] = INT64_MAX;
    }
    /* The certificate is replaced, and the inbox is let take again what is sent again by hand. */
    if (!faults->broken[NAIVE_K04] || !faults->broken[NAIVE_W01]) return;
    world->until_us[NAIVE_K04] = world->since_us[NAIVE_K04] + 5 * NAIVE_HOUR;
    world->since_us[NAIVE_W04] = 0;
    world->until_us[NAIVE_W04] = world->until_us[NAIVE_K04];
    world->since_us[NAIVE_W01] = world->until_us[NAIVE_K04];
}

struct naive_world *naive_world_new(uint64_t seed, const struct naive_fault_set *faults)
{
    struct naive_world *world = calloc(1, sizeof *world);
    CHECK(world != NULL);
    world->seed = seed;
    uint32_t day = (uint32_t)naive_draw(world, "day", 0, 0, 2);
    world->start_unix_us = first_days_unix_s[day] * NAIVE_S;
    naive_evidence_init(&world->evidence, world->start_unix_us);
    faults_set(world, faults);
    world->xid_next = (uint32_t)naive_draw(world, "xid", 0, 70000, 90000);
    world->lsn_next = (uint32_t)naive_draw(world, "lsn", 0, 100000, 900000);
    world->tx_next = (uint32_t)naive_draw(world, "tx", 0, 200000, 800000);
    world->request_count = (uint32_t)naive_draw(world, "request", 0, 1000, 9000);
    world->timeline = 1;
    world->generation = (uint32_t)naive_draw(world, "generation", 0, 4, 40);
    for (uint32_t i = 0; i < NAIVE_PARTITIONS; i++) {
        struct naive_partition *partition = &world->partitions[i];
        partition->start = (uint32_t)naive_draw(world, "log start", i, 100, 5000);
        partition->end = partition->start + (uint32_t)naive_draw(world, "log end", i, 900, 90000);
        partition->committed = partition->end;
    }
    accounts_open(world);
    return world;
}

void naive_world_free(struct naive_world *world)
{
    if (world == NULL) return;
    naive_evidence_done(&world->evidence);
    free(world);
}
