/* mappings_builtin.h - the mappings of other ledgers that are built in, from doctor/mappings. */
#ifndef DOCTOR_MAPPINGS_BUILTIN_H
#define DOCTOR_MAPPINGS_BUILTIN_H

#include <stdbool.h>

#include "base/str.h"

/* The next one of *rest, which begins as mappings_builtin(); false at the end. Static texts. */
struct str mappings_builtin(void);
bool mappings_builtin_next(struct str *rest, struct str *out_name, struct str *out_text);

/* The text of the one of this name; false: there is none. */
bool mappings_builtin_find(struct str name, struct str *out_text);

#endif
