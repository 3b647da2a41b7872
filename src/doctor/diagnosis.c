#include "doctor/diagnosis.h"

#include "base/check.h"
#include "model/evidence.h"

#define LABEL_TEXT(name, text) text,
static const char *const label_names[] = { LABEL_TABLE(LABEL_TEXT) };

const char *label_name(enum label label)
{
    CHECK((unsigned)label < LABEL_COUNT);
    return label_names[label];
}

uint64_t diagnosis_absent_kinds(const struct diagnosis *diagnosis)
{
    uint64_t absent = (UINT64_C(1) << evidence_kind_count()) - 1;
    for (uint32_t i = 0; i < diagnosis->bundle->source_count; i++)
        absent &= ~diagnosis->bundle->sources[i].kinds;
    return absent;
}

bool instance_is_settled(const struct instance *instance)
{
    return instance->affected_count == 0 && instance->settled_count > 0;
}

bool diagnosis_is_settled(const struct diagnosis *diagnosis)
{
    bool settled = diagnosis->cause_count > 0 && diagnosis->unexplained_count == 0;
    for (uint32_t i = 0; settled && i < diagnosis->cause_count; i++)
        settled = instance_is_settled(&diagnosis->instances[diagnosis->causes[i]]);
    return settled;
}
