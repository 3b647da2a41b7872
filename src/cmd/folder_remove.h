/* folder_remove.h - away with a folder of this process's own, and all that is in it. */
#ifndef CMD_FOLDER_REMOVE_H
#define CMD_FOLDER_REMOVE_H

/* Links go, and are not followed. What cannot be removed stays. */
void folder_remove(const char *path);

#endif
