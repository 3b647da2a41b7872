/* pause.h - waiting between two attempts. */
#ifndef CMD_PAUSE_H
#define CMD_PAUSE_H

#include <stdint.h>

/* Returns after wait_ms. Any thread. */
void pause_ms(uint32_t wait_ms);

#endif
