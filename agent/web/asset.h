/*
 * asset - files that are part of the program: the API's own description.
 *
 * Threads:  any.
 * Memory:   constants; asset_openapi_open copies them into a body for the caller to put.
 * Errors:   -ENOMEM.
 */
#ifndef WEB_ASSET_H
#define WEB_ASSET_H

#include "body.h"

int asset_openapi_open(struct body **out);

#endif
