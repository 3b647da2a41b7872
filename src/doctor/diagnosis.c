#include "doctor/diagnosis.h"

#include "base/check.h"

#define LABEL_TEXT(name, text) text,
static const char *const label_names[] = { LABEL_TABLE(LABEL_TEXT) };

const char *label_name(enum label label)
{
    CHECK((unsigned)label < LABEL_COUNT);
    return label_names[label];
}
