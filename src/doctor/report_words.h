/* report_words.h - headings, labels and verdicts of the HTML report in English and Chinese. */
#ifndef DOCTOR_REPORT_WORDS_H
#define DOCTOR_REPORT_WORDS_H

#include <stdbool.h>

#include "base/str.h"

enum report_language { REPORT_ENGLISH, REPORT_CHINESE };

/* "en", "zh". False: another one. */
bool report_language_parse(struct str text, enum report_language *out_language);
/* What stands in the attribute lang of a page. Static. */
const char *report_language_code(enum report_language language);

/* A text of the report itself, by its English. Static. CHECKs that the table has it. */
const char *report_word(enum report_language language, const char *english);
/* A value of the JSON: as it is when the table does not have it, such as what a rule says. */
struct str report_value(enum report_language language, struct str english);

#endif
