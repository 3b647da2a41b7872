/* mask.h - card numbers and secrets taken out of text before it becomes evidence, and counted. */
#ifndef DOCTOR_MASK_H
#define DOCTOR_MASK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct mask_counts {
    uint64_t cards;
    uint64_t secrets;
};

/*
 * Appends text to out, without
 * - card numbers: 13 to 19 digits, also with single blanks or dashes between, or dots between groups
 *   of four to six, that begin with 2 to 6 and satisfy ISO/IEC 7812-1's check digit; all but the first six and the last four become '*';
 * - private keys (PEM, signed-note), bearer and basic credentials, API keys and webhook secrets of
 *   ours, Stripe's, AWS's, GitHub's, Slack's, JSON Web Tokens, passwords in URLs, and values of
 *   members or parameters named as secrets: "[secret]" stands in their place.
 *
 * Digits inside of longer words (ids, hexadecimal) are no card numbers. Line ends stay, except
 * those inside of a PEM block.
 */
void mask_text(struct str text, struct buf *out, struct mask_counts *counts);

/* Whether mask_text() would leave it as it is. */
bool mask_is_clean(struct str text);

#endif
