/* A change here would lose every account of a ledger with several lanes: the test pins values. */
#include "model/lane_map.h"

#include "base/check.h"

const struct lane_part LANE_ALONE = { 0, 1 };

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

static uint32_t lane_of(struct uuid id, uint32_t lanes)
{
    CHECK(lanes > 0 && lanes <= LANES_MAX);
    if (lanes == 1) return 0;
    uint64_t value = id.lo & LANE_BITS;
    if (!says_its_lane(id)) value = mixed(id.lo ^ mixed(id.hi));
    return (uint32_t)(value % lanes);
}

uint32_t lane_of_account(struct account_id id, uint32_t lanes)
{
    return lane_of(id.value, lanes);
}

uint32_t lane_of_payment(struct payment_id id, uint32_t lanes)
{
    return lane_of(id.value, lanes);
}

struct uuid lane_own_id(struct uuid id, struct lane_part part)
{
    CHECK(part.lanes > 0 && part.lanes <= LANES_MAX && part.lane < part.lanes);
    CHECK(says_its_lane(id));
    uint64_t bits = id.lo & LANE_BITS;
    bits = bits - bits % part.lanes + part.lane;
    if (bits > LANE_BITS) bits -= part.lanes;
    id.lo = (id.lo & ~LANE_BITS) | bits;
    return id;
}

bool lane_same_id(struct uuid id, struct uuid other)
{
    return says_its_lane(id) && id.hi == other.hi && (id.lo | LANE_BITS) == (other.lo | LANE_BITS);
}
