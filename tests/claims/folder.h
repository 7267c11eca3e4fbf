/* tests/claims/folder.h - a folder of its own for a test that writes one: *state is its name. */
#ifndef SL_TESTS_CLAIMS_FOLDER_H
#define SL_TESTS_CLAIMS_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

static inline int setup_folder(void **state)
{
    char *dir = malloc(64);
    if (!dir) return 1;
    snprintf(dir, 64, "/tmp/sgdlab-test-XXXXXX");
    if (!mkdtemp(dir)) return 1;
    *state = dir;
    return 0;
}

static inline int remove_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    const int code = system(command);
    free(*state);
    return code;
}

#endif
