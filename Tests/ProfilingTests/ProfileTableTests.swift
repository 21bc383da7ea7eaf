import Foundation
import Profiling
import Swiftlet
import Testing

@Suite struct ProfileTableTests {
  @Test func theTableIsLaidOutAsPyTorchs() {
    let table = ProfileTable(sortKey: .order, showsMemory: true, showsShapes: true, showsFlops: true)
    let text = table.text(SampleProfiles.small)
    print(text)
    print(ProfileTable(grouping: .operator).text(SampleProfiles.small))
  }
}
