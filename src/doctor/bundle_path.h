/* bundle_path.h - what a file of a bundle may be called: it lies inside, whoever chose the name. */
#ifndef DOCTOR_BUNDLE_PATH_H
#define DOCTOR_BUNDLE_PATH_H

#include <stdbool.h>

#include "base/str.h"

enum { BUNDLE_PATH_LEN_MAX = 1024 };

/* Relative, of at most BUNDLE_PATH_LEN_MAX bytes; no step is empty, "." or ".."; without NUL. */
bool bundle_path_is_inside(struct str path);

/* The folders of a bundle under custody; ends with NULL. */
extern const char *const bundle_folders[];

/*
 * Whether a file under custody may have it: inside, in one of bundle_folders or beside them, and
 * neither the custody itself nor what is being put. Whatever a custody tells of is such a file.
 */
bool bundle_path_is_kept(struct str path);

/* The two names that no custody tells of. */
#define BUNDLE_CUSTODY_FILE "custody.log"
#define BUNDLE_UNFINISHED_FILE "unfinished" /* what is being put, until the custody has it */

#endif
