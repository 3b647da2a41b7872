/* doctor_verify.h - whether a bundle is what its custody says, file by file. */
#ifndef CMD_DOCTOR_VERIFY_H
#define CMD_DOCTOR_VERIFY_H

#include "base/error.h"

/*
 * As `tpwallet doctor verify`: signatures, chain, every file. Reads all of it. STATUS_DENIED: it is
 * not; the error names the first file. STATUS_NOT_FOUND, STATUS_LIMIT.
 */
enum status doctor_verify(const char *path, struct error *out_error) MUST_CHECK;

/*
 * STATUS_NOT_FOUND: there is no bundle, or one that was written by hand or by others, which has no
 * custody; the error says what can be done with it.
 */
enum status doctor_custody_is_there(const char *path, struct error *out_error) MUST_CHECK;

#endif
