/* nets/dataset.h - pictures and labels in memory, and where they come from.
 *
 * Pixels stay bytes; a mini-batch is gathered, scaled to [0, 1] and standardised when it is used
 * ((byte/255 - mean) / deviation), so MNIST takes 55 MB. */
#ifndef SL_NETS_DATASET_H
#define SL_NETS_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "base/spec.h"
#include "base/team.h"

typedef struct {
    size_t n;             /* samples                                              */
    size_t channels, height, width;
    size_t features;      /* channels * height * width                            */
    size_t classes;
    uint8_t *pixels;      /* [n][channels][height][width]; not to be written to   */
    uint8_t *labels;      /* [n], < classes                                       */
    float mean[3], deviation[3]; /* per channel, of pixels scaled to [0, 1]       */
    char origin[512];     /* files or generator, for manifests                    */
    char note[256];       /* what the user should be told of it; "" if nothing    */
    size_t mapped;        /* private: bytes of a mapping that pixels begins; 0: allocated */
} sl_dataset;

typedef struct {
    sl_entry entry;
    /* Reads or makes both sets. dir: where to look (may be NULL for built-in sets). On failure neither holds anything
     * that would have to be freed. */
    sl_status (*load)(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err);
    int (*available)(const char *dir); /* are its files there? NULL: built in */
} sl_dataset_kind;

extern const sl_dataset_kind *const sl_datasets[];
extern const size_t sl_n_datasets;
const sl_entry *const *sl_dataset_entries(void);

/* text: "digits", "digits:train=10000:test=2000:seed=1", "mnist", "cifar10:train=5000:test=1000". data_dir: --data-dir;
 * NULL: $SGDLAB_DATA, else "data". The folder holds the set's files, plain or .gz, or a subfolder named after the set
 * does. The two are untouched on failure. Errors: SL_E_NAME, SL_E_DOMAIN; SL_E_FILE (which paths were tried);
 * SL_E_FORMAT (file, what was found and expected); SL_INTERRUPTED (asked to stop while pictures were decoded). */
SL_CHECKED sl_status sl_dataset_load(sl_dataset *train, sl_dataset *test, const char *text, const char *data_dir,
                                     sl_err *err);

/* data_dir; if NULL: $SGDLAB_DATA, else "data". */
const char *sl_data_folder(const char *data_dir);

/* Does the data of that name exist there (built-in: always)? For choosing between mnist and digits. */
int sl_dataset_available(const char *name, const char *data_dir);

/* The first n samples only (n <= d->n; 0: all), for experiments on part of a set; shrinks in place. */
void sl_dataset_truncate(sl_dataset *d, size_t n);

void sl_dataset_free(sl_dataset *d);

/* out[k][height][width][channels] = standardised sample index[k] (index NULL: samples first, first+1, ...), label[k];
 * k < count. Channels are fastest, as networks want them; in the set they are slowest. */
void sl_dataset_gather(const sl_dataset *d, float *out, uint8_t *label, const uint32_t *index, size_t first,
                       size_t count);

/* These samples (index NULL: none) are gathered next: where pixels are a mapped file, the system is asked to have them
 * in memory by then; elsewhere nothing happens. */
void sl_dataset_will_need(const sl_dataset *d, const uint32_t *index, size_t n);

/* How training pictures are varied. All 0: not at all. */
typedef struct {
    size_t crop; /* black pixels put around the picture, out of which a window of its own size is cut at random: any of
                    the 2 crop + 1 places in each direction with the same probability; < 2^30 */
    bool flip;   /* left and right exchanged, after that, with probability 1/2 */
} sl_augment;

/* The same with pictures varied. Sample k's random numbers are the words of lanes 4 (lane + k) .. of draw (place in
 * height, place in width, flip), so they depend on neither the batch size nor the team (may be NULL), which shares the
 * work. augment NULL: none, and draw may be NULL. */
void sl_dataset_gather_varied(const sl_dataset *d, float *out, uint8_t *label, const uint32_t *index, size_t first,
                              size_t count, const sl_augment *augment, const sl_draw *draw, size_t lane,
                              sl_team *team);

#endif
