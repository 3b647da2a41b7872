/* version.h - which tpwallet this is. */
#ifndef CMD_VERSION_H
#define CMD_VERSION_H

/* Semantic versioning; the same as in CMakeLists.txt and api/openapi.yaml. */
#define TPWALLET_VERSION "0.1.0"

#endif
