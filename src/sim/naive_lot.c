#include "sim/naive_lot.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { WALLETS_MAX = 64 };

/*
 * The endpoint is closed, events are lost by an inbox that marks them too early, somebody sends
 * again by hand what was kept out, and it is taken twice; and parts of such.
 */
static const enum naive_fault chains[][NAIVE_FAULTS_MAX] = {
    { NAIVE_K04, NAIVE_W04, NAIVE_W01 },         { NAIVE_K04, NAIVE_W01, NAIVE_FAULT_COUNT },
    { NAIVE_K02, NAIVE_W01, NAIVE_FAULT_COUNT }, { NAIVE_B02, NAIVE_B03, NAIVE_FAULT_COUNT },
    { NAIVE_W05, NAIVE_P01, NAIVE_FAULT_COUNT },
};

uint32_t naive_lot_classes(enum naive_fault out_classes[NAIVE_FAULT_COUNT])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++)
        if (i != NAIVE_R04) out_classes[count++] = (enum naive_fault)i;
    return count;
}

/* Two classes at the same place hide each other: of a pair each is of another family. */
static bool goes_together(enum naive_fault a, enum naive_fault b)
{
    const struct naive_fault_facts *one = naive_fault_facts(a);
    const struct naive_fault_facts *other = naive_fault_facts(b);
    /* Who turns history back, or keeps webhooks out, leaves nothing for the other to happen to. */
    static const enum naive_fault alone[] = { NAIVE_D08, NAIVE_D12, NAIVE_K01, NAIVE_K02,
                                              NAIVE_K03, NAIVE_K04, NAIVE_D15, NAIVE_M03,
                                              NAIVE_D02, NAIVE_D13, NAIVE_Z01 };
    for (uint32_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (alone[i] == a || alone[i] == b) return false;
    return strcmp(one->family, other->family) != 0;
}

static void faults_pick(uint64_t seed, enum naive_lot_kind kind, enum naive_fault only,
                        struct naive_case_options *options)
{
    enum naive_fault classes[NAIVE_FAULT_COUNT];
    uint32_t count = naive_lot_classes(classes);
    uint64_t mixed = hash_fold(seed + 0x9E3779B97F4A7C15U, 0xD6E8FEB86659FD93U);
    options->fault_count = 0;
    if (kind == NAIVE_LOT_CLEAN) return;
    if (kind == NAIVE_LOT_CHAIN) {
        const enum naive_fault *chain = chains[seed % (sizeof chains / sizeof chains[0])];
        for (uint32_t i = 0; i < NAIVE_FAULTS_MAX && chain[i] != NAIVE_FAULT_COUNT; i++)
            options->faults[options->fault_count++] = chain[i];
        return;
    }
    options->faults[options->fault_count++] =
        only < NAIVE_FAULT_COUNT ? only : classes[seed % count];
    if (kind == NAIVE_LOT_SINGLE) return;
    for (uint32_t i = 0; i < count; i++) {
        enum naive_fault second = classes[(mixed + i) % count];
        if (!goes_together(options->faults[0], second)) continue;
        options->faults[options->fault_count++] = second;
        return;
    }
}

void naive_lot_draw(uint64_t seed, enum naive_lot_kind kind, enum naive_fault only,
                    const bool dropped[NAIVE_SOURCES], struct naive_case *out_case)
{
    struct naive_case_options options = { 0 };
    memcpy(options.dropped, dropped, sizeof options.dropped);
    for (uint32_t wallet = 0; wallet < WALLETS_MAX; wallet++) {
        options.seed = hash_fold(seed ^ 0xA0761D6478BD642FU, wallet + 0xE7037ED1A0B428DBU);
        faults_pick(seed + (kind == NAIVE_LOT_PAIR ? 7919 * wallet : 0), kind, only, &options);
        if (naive_case_make(&options, out_case)) return;
    }
    CHECK(kind == NAIVE_LOT_CLEAN); /* some wallet meets every fault: see naive_case_test.c */
}
