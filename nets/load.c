#include "nets/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "nets/checkpoint.h"
#include "nets/hdf5.h"
#include "nets/weights.h"

/* Does the file have the group that only a checkpoint has? False for what is not HDF5: its reader says that better. */
static sl_status look(bool *checkpoint, const char *path, sl_err *err)
{
    static const size_t LARGEST = (size_t)1 << 34;
    char *bytes;
    size_t size;
    SL_TRY(sl_read_file(&bytes, &size, path, LARGEST, err));
    const hid_t file = sl_h5_open(&bytes, size);
    *checkpoint = file >= 0 && H5Lexists(file, "velocity", H5P_DEFAULT) > 0;
    if (file >= 0) sl_h5_close(file, NULL, NULL);
    free(bytes);
    return SL_OK;
}

sl_status sl_load_weights(float *state, float *velocity, bool *is_checkpoint, const char *path, const sl_model *m,
                          sl_err *err)
{
    bool checkpoint = false;
    SL_TRY(look(&checkpoint, path, err));
    const size_t n = sl_model_parameters(m);
    if (velocity) memset(velocity, 0, n * sizeof *velocity);
    if (!checkpoint) {
        SL_TRY(sl_weights_read(state, path, m, err));
        *is_checkpoint = false;
        return SL_OK;
    }
    float *const own = velocity ? NULL : malloc(n * sizeof *own);
    if (!velocity && !own) return sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", path);
    sl_checkpoint c = {.state = state, .velocity = velocity ? velocity : own};
    const sl_status st = sl_checkpoint_read(&c, path, m, err);
    free(own);
    if (st != SL_OK) return st;
    free(c.epochs);
    *is_checkpoint = true;
    return SL_OK;
}
