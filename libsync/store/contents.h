// The segment files of one store: which file holds what, who appends to which, reading by place.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "libsync/base/file.h"
#include "libsync/store/db.h"
#include "libsync/store/lock.h"
#include "libsync/store/mail_text.h"
#include "libsync/store/rows.h"
#include "libsync/store/segment_reader.h"
#include "libsync/store/segment_writer.h"

namespace libsync::store {

// One thread at a time. Each writer, in whichever process, appends to a segment of its own, held by a
// lock on the file: so a long append waits for nobody and needs no lock of SQLite's.
class Contents {
 public:
  Contents(FileSystem& fs, std::string folder, uint64_t segment_bytes)
      : fs_(fs), folder_(std::move(folder)), segment_bytes_(segment_bytes) {}

  static std::string file_name(uint32_t number);                           // "00000001.seg"
  static std::optional<uint32_t> number_of(const std::string& file_name);  // nothing for other files
  std::string path(uint32_t number) const { return folder_ + "/" + file_name(number); }
  Result<std::vector<uint32_t>> on_disk();  // numbers of the segment files there, ascending

  // A segment open for reading. Valid until the next call or forget().
  struct Open {
    std::unique_ptr<File> file;
    std::string path;
    SegmentHeader header;
    bool header_damaged = false;  // `header` was put together from the file's name and its first frame
  };
  Result<Open*> open(uint32_t number);
  Result<std::unique_ptr<FrameReader>> read(const FramePlace& place);
  void forget(uint32_t number) { open_.erase(number); }
  // A segment whose header is damaged and in which a whole frame proves what was in it becomes one with a header: in a
  // copy that takes its place, for a write into it could end in the middle and take the first frame along. False:
  // there is nothing to do, or it can't be proved, or somebody appends to it. Voids what open() gave.
  Result<bool> restore_header(uint32_t number);
  // Copies of restore_header()'s that were cut off. The caller holds the sync's lock.
  Status remove_unfinished();

  // The segment to append to, with room: one claimed before, one nobody has claimed, or a new one.
  // What a writer that died left behind its last commit is adopted if whole and cut off if not.
  Result<SegmentWriter*> writer(Db& db, MailReader& mail, int64_t now);
  SegmentWriter* current() { return writer_.get(); }
  // What was appended up to here has rows now.
  void committed(uint64_t length) { committed_ = length; }
  uint64_t committed() const { return committed_; }
  // Takes back what has no rows; a segment where that fails is not appended to any more.
  void roll_back();
  void abandon();  // lets the segment go

 private:
  Status copy_with_header(Open& segment, const std::string& to);
  Result<bool> claim(Db& db, MailReader& mail, uint32_t number, int64_t now);
  Status create(Db& db);

  FileSystem& fs_;
  std::string folder_;
  uint64_t segment_bytes_;
  std::map<uint32_t, Open> open_;
  Unpacker unpacker_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<SegmentWriter> writer_;
  uint64_t committed_ = 0;
};

// Makes rows for the whole frames of a segment from `offset` on, those the store does not know, and
// records its length: the end of the last whole frame. Part of the caller's transaction.
struct Adopted {
  uint64_t contents = 0, octets = 0, damaged = 0, end = 0;
};
Result<Adopted> adopt(Db& db, MailReader& mail, Contents::Open& segment, uint64_t offset, int64_t now);

}  // namespace libsync::store
