/* Ids are computed, so both lanes know all of them without a word between them. */
#include "model/transit.h"

#include "base/check.h"

/* "tplane" in ASCII: the first 48 bits, which in other ids are a time or chance. */
static const uint64_t MARK = UINT64_C(0x74706C616E65);
static const uint64_t VERSION_8 = 0x8000;
static const uint64_t VARIANT_RFC = UINT64_C(2) << 62;

enum { ASSET_SHIFT = 30, PEER_SHIFT = 16, PEER_BITS = 14, OUT = 1, IN = 2 };
_Static_assert(LANES_MAX < 1 << PEER_BITS, "a peer's number has room");

/*
 * Steps that no index in a request and no step of a payment reaches, and further apart than a
 * request is long: no two ids that derive from one root meet.
 */
enum {
    STEP_ARRIVAL = 0x20000000,
    STEP_SETTLEMENT = 0x30000000,
    STEP_RELEASE = 0x38000000,
};
_Static_assert((int)REQUEST_TRANSFERS_MAX < (int)STEP_ARRIVAL, "steps of requests are below");
_Static_assert((int)REQUEST_TRANSFERS_MAX < STEP_RELEASE - STEP_SETTLEMENT, "and between");

struct account transit_account(const struct transit_account *transit)
{
    CHECK(transit->lane < LANES_MAX && transit->peer < LANES_MAX);
    CHECK(transit->lane != transit->peer && transit->asset != 0);
    struct uuid id = {
        .hi = MARK << 16 | VERSION_8 | (transit->out ? OUT : IN),
        .lo = VARIANT_RFC | (uint64_t)transit->asset << ASSET_SHIFT |
              (uint64_t)transit->peer << PEER_SHIFT | transit->lane,
    };
    return (struct account){ .id = { id }, .asset = transit->asset, .kind = ACCOUNT_ASSET };
}

bool transit_account_is(struct account_id id)
{
    return id.value.hi >> 16 == MARK && (id.value.hi >> 12 & 0xF) == VERSION_8 >> 12;
}

bool transit_account_parse(struct account_id id, struct transit_account *out_transit)
{
    if (!transit_account_is(id)) return false;
    uint64_t direction = id.value.hi & 0xFFF;
    uint64_t peer = id.value.lo >> PEER_SHIFT & ((1U << PEER_BITS) - 1);
    uint64_t lane = id.value.lo & 0xFFFF;
    uint32_t asset = (uint32_t)(id.value.lo >> ASSET_SHIFT);
    bool whole = (direction == OUT || direction == IN) && id.value.lo >> 62 == 2 && asset != 0 &&
                 lane < LANES_MAX && peer < LANES_MAX && lane != peer;
    if (!whole) return false;
    *out_transit = (struct transit_account){
        .asset = asset,
        .lane = (uint32_t)lane,
        .peer = (uint32_t)peer,
        .out = direction == OUT,
    };
    return true;
}

/* Never nil, which is no id: whoever chooses a departure's id may choose where it leads. */
static struct transfer_id step_id(struct transfer_id departure, uint32_t step)
{
    struct uuid id = uuid_derive(departure.value, step);
    if (uuid_is_nil(id)) id = uuid_derive(id, 1);
    return (struct transfer_id){ id };
}

struct transfer_id transit_arrival_id(struct transfer_id departure)
{
    return step_id(departure, STEP_ARRIVAL);
}

struct transfer_id transit_end_id(struct transfer_id departure, bool settles)
{
    return step_id(departure, settles ? STEP_SETTLEMENT : STEP_RELEASE);
}

static const char *fault(const char **out_field, const char *field, const char *sentence)
{
    *out_field = field;
    return sentence;
}

const char *transit_fault(const struct transfer *transfer, const char **out_field)
{
    static const uint8_t balancing = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT;
    if (transfer->kind != TRANSFER_DIRECT)
        return fault(out_field, "kind", "only a direct transfer can be between two lanes");
    if ((transfer->flags & TRANSFER_FLAG_LINKED) != 0)
        return fault(out_field, "flags", "a linked group cannot be between two lanes");
    if ((transfer->flags & balancing) != 0)
        return fault(out_field, "flags", "a balancing transfer cannot be between two lanes");
    return NULL;
}

struct transfer transit_departure(const struct transfer *transfer, struct lane_part here)
{
    const char *field;
    CHECK(transit_fault(transfer, &field) == NULL);
    bool leaves = lane_of_account(transfer->debit, here.lanes) == here.lane;
    struct account_id there = leaves ? transfer->credit : transfer->debit;
    CHECK(leaves || lane_of_account(transfer->credit, here.lanes) == here.lane);
    const struct transit_account way = {
        .asset = transfer->asset,
        .lane = here.lane,
        .peer = lane_of_account(there, here.lanes),
        .out = leaves,
    };
    struct transfer departure = *transfer;
    departure.kind = TRANSFER_DEPARTURE;
    departure.flags = TRANSFER_FLAG_OWNED;
    *(leaves ? &departure.credit : &departure.debit) = transit_account(&way).id;
    departure.target.value = there.value;
    return departure;
}

bool transit_way_parse(const struct record_transfer *departure, struct transit_account *out_way)
{
    struct account_id way = departure->credit;
    if (!transit_account_is(way)) way = departure->debit;
    return transit_account_parse(way, out_way);
}

/* The date that the caller gave; 0: none, so that each step has the date of its stamp. */
static struct business_date date_given(const struct record_transfer *departure)
{
    bool given = (departure->head.flags & RECORD_FLAG_DATE_GIVEN) != 0;
    return given ? departure->value_date : (struct business_date){ 0 };
}

struct transfer transit_arrival(const struct record_transfer *departure,
                                const struct record_transfer_more *more)
{
    struct transit_account way;
    bool parsed = transit_way_parse(departure, &way);
    CHECK(parsed && departure->head.kind == TRANSFER_DEPARTURE);
    const struct transit_account back = {
        .asset = way.asset, .lane = way.peer, .peer = way.lane, .out = !way.out
    };
    const struct account_id theirs = transit_account(&back).id;
    const struct account_id named = { more->target.value };
    return (struct transfer){
        .id = transit_arrival_id(departure->id),
        .debit = way.out ? theirs : named,
        .credit = way.out ? named : theirs,
        .amount = departure->amount,
        .user_ref = departure->user_ref,
        .asset = departure->asset,
        .value_date = date_given(departure),
        .code = departure->code,
        .kind = TRANSFER_DIRECT,
        .flags = TRANSFER_FLAG_OWNED,
    };
}

bool transit_arrives(const struct transfer *transfer)
{
    return transfer->kind == TRANSFER_DIRECT && (transfer->flags & TRANSFER_FLAG_OWNED) != 0;
}

struct account_id transit_arrival_named(const struct transfer *arrival)
{
    struct transit_account way;
    bool came = transit_account_parse(arrival->debit, &way) && !way.out;
    return came ? arrival->credit : arrival->debit;
}

bool transit_arrival_fits(const struct transfer *transfer, uint32_t lane, uint32_t lanes)
{
    struct transit_account way;
    const char *field;
    struct transfer plain = *transfer;
    plain.flags = 0;
    plain.debit.value = (struct uuid){ 1, 0 }; /* of both sides others are asked more */
    plain.credit.value = (struct uuid){ 2, 0 };
    bool comes = transit_account_parse(transfer->debit, &way) && !way.out;
    bool goes = !comes && transit_account_parse(transfer->credit, &way) && way.out;
    struct account_id named = transit_arrival_named(transfer);
    return (comes || goes) && way.lane == lane && way.peer < lanes &&
           way.asset == transfer->asset && transfer->flags == TRANSFER_FLAG_OWNED &&
           transfer->kind == TRANSFER_DIRECT && !uuid_is_nil(transfer->id.value) &&
           !uuid_is_nil(named.value) && transfer_fault(&plain, &field) == NULL &&
           lane_of_account(named, lanes) == lane;
}

struct transfer transit_end(const struct record_transfer *departure, enum outcome arrival)
{
    bool settles = arrival == OUTCOME_OK;
    return (struct transfer){
        .id = transit_end_id(departure->id, settles),
        .amount = MONEY_MAX,
        .target = departure->id,
        .value_date = date_given(departure),
        .code = (uint32_t)arrival,
        .kind = settles ? TRANSFER_POST : TRANSFER_VOID,
        .flags = TRANSFER_FLAG_OWNED,
    };
}
