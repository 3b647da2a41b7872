/* read_checkers.h - reads of memory and of history, held against the twin. */
#ifndef SIM_READ_CHECKERS_H
#define SIM_READ_CHECKERS_H

#include "sim/asking.h"

/* The answer to a REQUEST_READ, in its moment: see check_answer(). */
void check_read(struct asking *asking);

#endif
