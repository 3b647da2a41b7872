#include "sim/naive_fault.h"

#include "base/check.h"

#define NAIVE_FAULT_FACTS(id, family, money, mechanism)                                            \
    { #id, family, NAIVE_MONEY_##money, mechanism },
static const struct naive_fault_facts facts[] = { NAIVE_FAULT_TABLE(NAIVE_FAULT_FACTS) };
_Static_assert(sizeof facts / sizeof facts[0] == NAIVE_FAULT_COUNT, "one entry per class");

const struct naive_fault_facts *naive_fault_facts(enum naive_fault fault)
{
    CHECK((unsigned)fault < NAIVE_FAULT_COUNT);
    return &facts[fault];
}

bool naive_fault_parse(struct str id, enum naive_fault *out_fault)
{
    for (uint32_t i = 0; i < NAIVE_FAULT_COUNT; i++) {
        if (!str_equal(id, str_from(facts[i].id))) continue;
        *out_fault = (enum naive_fault)i;
        return true;
    }
    return false;
}
