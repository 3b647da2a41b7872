/* A change here would lose every account of a ledger with several lanes: the test pins values. */
#include "model/lane_map.h"

#include "base/check.h"

static const uint64_t LANE_BITS = 0xFFFF;

static bool says_its_lane(struct uuid id)
{
    return (id.hi >> 12 & 0xF) == 8 && id.lo >> 62 == 2;
}

/* The finalizer of MurmurHash3: every bit of the input reaches every bit of the result. */
static uint64_t mixed(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xFF51AFD7ED558CCD);
    value ^= value >> 33;
    value *= UINT64_C(0xC4CEB9FE1A85EC53);
    return value ^ value >> 33;
}

uint32_t lane_of_account(struct account_id id, uint32_t lanes)
{
    CHECK(lanes > 0 && lanes <= LANES_MAX);
    if (lanes == 1) return 0;
    uint64_t value = id.value.lo & LANE_BITS;
    if (!says_its_lane(id.value)) value = mixed(id.value.lo ^ mixed(id.value.hi));
    return (uint32_t)(value % lanes);
}

struct account_id lane_own_account(struct account_id id, uint32_t lane, uint32_t lanes)
{
    CHECK(lanes > 0 && lanes <= LANES_MAX && lane < lanes);
    CHECK(says_its_lane(id.value));
    uint64_t bits = id.value.lo & LANE_BITS;
    bits = bits - bits % lanes + lane;
    if (bits > LANE_BITS) bits -= lanes;
    id.value.lo = (id.value.lo & ~LANE_BITS) | bits;
    return id;
}
