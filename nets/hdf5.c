#include "nets/hdf5.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The name of every image. Before HDF5 makes one it opens, and reads whole, whatever file has its name: none can. */
static const char image_name[] = "/dev/null/image.h5";

/* HDF5 prints its errors unless told not to; what they mean to the user is said by our callers. */
static void enter(void)
{
    pthread_mutex_lock(&lock);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Access to a file that lives in memory only. Negative on failure. */
static hid_t memory_access(void)
{
    enum { INCREMENT = 1 << 16 };
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_fapl_core(access, INCREMENT, 0) >= 0) return access;
    H5Pclose(access);
    return -1;
}

hid_t sl_h5_create(void)
{
    enter();
    const hid_t access = memory_access(), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(creation, 0);
    const hid_t file = H5Fcreate(image_name, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    if (file < 0) pthread_mutex_unlock(&lock);
    return file;
}

hid_t sl_h5_open(char **image, size_t size)
{
    enter();
    hid_t file = -1;
    const hid_t access = memory_access();
    const bool good = access >= 0 && H5Pset_file_image(access, *image, size) >= 0;
    free(*image);
    *image = NULL;
    if (good) file = H5Fopen(image_name, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (file < 0) pthread_mutex_unlock(&lock);
    return file;
}

int sl_h5_close(hid_t file, char **image, size_t *size)
{
    int result = 0;
    if (image) {
        result = H5Fflush(file, H5F_SCOPE_LOCAL);
        const ssize_t n = result < 0 ? -1 : H5Fget_file_image(file, NULL, 0);
        char *const bytes = n > 0 ? malloc((size_t)n) : NULL;
        if (bytes && H5Fget_file_image(file, bytes, (size_t)n) == n) {
            *image = bytes;
            *size = (size_t)n;
        } else {
            free(bytes);
            result = -1;
        }
    }
    if (H5Fclose(file) < 0) result = -1;
    pthread_mutex_unlock(&lock);
    return result;
}

hid_t sl_h5_group_create(hid_t where, const char *name)
{
    const hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, 0);
    const hid_t group = H5Gcreate2(where, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    return group;
}

int sl_h5_write(hid_t where, const char *name, hid_t type, size_t rank, const size_t *shape, const void *data)
{
    hsize_t sizes[H5S_MAX_RANK];
    for (size_t i = 0; i < rank; i++) sizes[i] = shape[i];
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple((int)rank, sizes, NULL);
    H5Pset_obj_track_times(creation, 0);
    const hid_t set = H5Dcreate2(where, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    int result = set < 0 ? -1 : H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    if (set >= 0 && H5Dclose(set) < 0) result = -1;
    H5Sclose(space);
    H5Pclose(creation);
    return result;
}

int sl_h5_attribute_write(hid_t where, const char *name, hid_t type, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int result = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    if (attribute >= 0 && H5Aclose(attribute) < 0) result = -1;
    H5Sclose(space);
    return result;
}

int sl_h5_attribute_read(hid_t where, const char *name, hid_t type, void *value)
{
    const hid_t attribute = H5Aopen(where, name, H5P_DEFAULT);
    if (attribute < 0) return -1;
    const hid_t space = H5Aget_space(attribute);
    const int result = H5Sget_simple_extent_npoints(space) == 1 ? H5Aread(attribute, type, value) : -1;
    H5Sclose(space);
    H5Aclose(attribute);
    return result;
}

int sl_h5_inspect(sl_h5_array *a, hid_t where, const char *name)
{
    const hid_t set = H5Dopen2(where, name, H5P_DEFAULT);
    if (set < 0) return -1;
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const H5T_class_t class = H5Tget_class(type);
    hsize_t sizes[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_dims(space, sizes, NULL);
    a->is_number = class == H5T_FLOAT || class == H5T_INTEGER;
    a->rank = rank < 0 ? 0 : (size_t)rank;
    for (size_t i = 0; i < a->rank; i++) a->shape[i] = (size_t)sizes[i];
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    return rank < 0 ? -1 : 0;
}

int sl_h5_read(hid_t where, const char *name, hid_t type, void *data)
{
    const hid_t set = H5Dopen2(where, name, H5P_DEFAULT);
    if (set < 0) return -1;
    const int result = H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(set);
    return result;
}

void sl_h5_print_shape(char *text, size_t size, size_t rank, const size_t *shape)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? ", " : "", shape[i]);
    if (used < size) snprintf(text + used, size - used, "]");
}
