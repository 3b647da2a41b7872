/* rules_builtin.h - the text of the rules that are built in, from doctor/rules. */
#ifndef DOCTOR_RULES_BUILTIN_H
#define DOCTOR_RULES_BUILTIN_H

#include "base/str.h"

/* Static, in the form that rule_set_parse() wants. */
struct str rules_builtin(void);

#endif
