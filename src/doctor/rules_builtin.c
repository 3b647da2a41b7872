/* The text of doctor/rules, put together by tools/rules.py. */
#include "doctor/rules_builtin.h"

static const unsigned char rules_text[] = {
#include "doctor/rules.inc"
};

struct str rules_builtin(void)
{
    return (struct str){ (const char *)rules_text, sizeof rules_text };
}
