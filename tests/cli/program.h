/* tests/cli/program.h - runs the built program as a user would, in a folder of its own, and keeps what it said. */
#ifndef SL_TESTS_CLI_PROGRAM_H
#define SL_TESTS_CLI_PROGRAM_H

#include "tests/test.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    int code;
    char out[1 << 18], err[1 << 14];
} said;

static char program[PATH_MAX], folder[64];

static void read_into(char *text, size_t size, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = '\0';
    if (f) fclose(f);
}

/* Runs `sgdlab arguments` through the shell in `folder`; before: assignments or commands put in front. */
static said *run_with(const char *before, const char *arguments)
{
    static said s;
    char command[PATH_MAX + 2048];
    snprintf(command, sizeof command, "cd %s && %s %s %s >stdout.txt 2>stderr.txt", folder, before, program, arguments);
    const int state = system(command);
    s.code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    read_into(s.out, sizeof s.out, "stdout.txt");
    read_into(s.err, sizeof s.err, "stderr.txt");
    return &s;
}

static said *run(const char *arguments)
{
    return run_with("", arguments);
}

/* The program must end with that code and say that on standard error. */
#define assert_refused(arguments, expected_code, text)                                                             \
    do {                                                                                                           \
        const said *r_ = run(arguments);                                                                           \
        if (r_->code != (expected_code))                                                                           \
            fail_msg("sgdlab %s: code %d, expected %d: %s", arguments, r_->code, expected_code, r_->err);          \
        if (!strstr(r_->err, text)) fail_msg("sgdlab %s: '%s' lacks '%s'", arguments, r_->err, text);              \
    } while (0)

/* Standard output as one JSON object and nothing else. To be deleted by the caller. */
static inline cJSON *parse_only_json(const char *text)
{
    const char *end = NULL;
    cJSON *j = cJSON_ParseWithOpts(text, &end, false);
    if (!j) fail_msg("not JSON: %.200s", text);
    while (end && (*end == '\n' || *end == ' ')) end++;
    if (end && *end) fail_msg("after the JSON object: %.200s", end);
    if (!cJSON_IsObject(j)) fail_msg("not an object: %.200s", text);
    return j;
}

static inline const cJSON *at(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static inline double number_at(const cJSON *o, const char *key)
{
    const cJSON *n = at(o, key);
    if (!cJSON_IsNumber(n)) fail_msg("no number '%s'", key);
    return n->valuedouble;
}

static inline bool exists(const char *name)
{
    char path[PATH_MAX];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &s) == 0 && s.st_size > 0;
}

static int enter_folder(void **state)
{
    (void)state;
    const char *given = getenv("SGDLAB");
    if (!realpath(given ? given : "build/release/sgdlab", program)) return -1;
    strcpy(folder, "/tmp/sgdlab-cli-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

#endif
