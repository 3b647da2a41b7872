/* sandbox_form.h - application/x-www-form-urlencoded, as bodies and query strings have it. */
#ifndef ADAPTER_SANDBOX_FORM_H
#define ADAPTER_SANDBOX_FORM_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

enum { FORM_FIELDS_MAX = 32 };

struct form_field {
    struct str name;
    struct str value;
};
struct form {
    struct form_field fields[FORM_FIELDS_MAX];
    uint32_t count;
};

/* Decoded into the arena. STATUS_INVALID: a broken escape. STATUS_LIMIT: too many fields. */
enum status form_read(struct str text, struct arena *arena, struct form *out_form) MUST_CHECK;
/* "" when it is not there. */
struct str form_value(const struct form *form, struct str name);
bool form_has(const struct form *form, struct str name);
/* A whole number up to max: false when it is there and is none; left as it is when not there. */
bool form_number(const struct form *form, struct str name, uint64_t max, uint64_t *out_value);
/* One path segment or value: escapes are decoded, and with `plus` a '+' is a blank. */
enum status form_decode(struct str text, bool plus, struct arena *arena, struct str *out_text)
    MUST_CHECK;

#endif
