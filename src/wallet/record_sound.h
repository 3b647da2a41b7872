/* record_sound.h - whether what a whole record says can be so: for those who read and do not replay. */
#ifndef WALLET_RECORD_SOUND_H
#define WALLET_RECORD_SOUND_H

#include "model/record.h"

/*
 * Its check says that a record is as it was written, not who wrote it. Of one that batch_next() gave:
 * NULL, or what is wrong. Assets that were made have a number and a code that there can be; texts of
 * payments end.
 */
const char *record_sound_fault(const struct record_head *record);

#endif
