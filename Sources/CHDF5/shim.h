#include <hdf5.h>

// What macros of HDF5 hide from Swift.

/// float32 with the low byte first.
static inline hid_t hdf5_float32(void) { return H5T_IEEE_F32LE; }
/// The kinds of property lists.
static inline hid_t hdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t hdf5_dataset_creation(void) { return H5P_DATASET_CREATE; }

/// Takes no lock on the file: whoever made it holds one already.
static inline herr_t hdf5_take_no_lock(hid_t access) {
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && H5_VERS_MINOR == 10)
  return H5Pset_file_locking(access, 0, 1);
#else
  return access < 0 ? -1 : 0;
#endif
}
