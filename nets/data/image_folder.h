/* nets/data/image_folder.h - the files of a Tiny ImageNet folder: which pictures there are, and of which class. */
#ifndef SL_NETS_DATA_IMAGE_FOLDER_H
#define SL_NETS_DATA_IMAGE_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    char *path; /* from the folder on */
    uint8_t label;
    uint64_t size, changed; /* bytes; nanoseconds since 1970: they go into the fingerprint */
} sl_image_file;

typedef struct {
    size_t n, room;
    sl_image_file *file;
} sl_image_list;

enum { SL_FOLDER_CLASSES = 256 };

typedef struct {
    char *text;                          /* of wnids.txt, cut at the ends of lines         */
    size_t n;                            /* classes                                        */
    const char *name[SL_FOLDER_CLASSES]; /* in the order of wnids.txt: line i is class i   */
    sl_image_list part[2];               /* train, test                                    */
    uint64_t fingerprint;                /* of names, labels, sizes and times of the pictures */
} sl_image_folder;

/* Lists dir: wnids.txt; train/CLASS/images/ *.JPEG, the first of every class, then the second of every class, ..., so
 * that the first samples are of all classes alike; val/images as val/val_annotations.txt lists them.
 * Errors, naming file and line: SL_E_FILE (a file or folder is missing, unreadable); SL_E_FORMAT (no classes, more than
 * 256, one twice; a class without pictures, a folder of no class; an annotation of no class); SL_E_MEMORY. */
SL_CHECKED sl_status sl_image_folder_list(sl_image_folder *f, const char *dir, sl_err *err);
void sl_image_folder_clear(sl_image_folder *f);

#endif
