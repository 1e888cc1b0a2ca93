/** Physical fabrics that machines of one platform can be joined by. Source: https://docs.nebius.com/compute/clusters/gpu#fabrics */

interface Fabric {
  readonly name: string;
  readonly platform: string;
  readonly region: string;
}

const FABRICS: readonly Fabric[] = [
  { name: 'fabric-2', platform: 'gpu-h100-sxm', region: 'eu-north1' },
  { name: 'fabric-3', platform: 'gpu-h100-sxm', region: 'eu-north1' },
  { name: 'fabric-4', platform: 'gpu-h100-sxm', region: 'eu-north1' },
  { name: 'fabric-5', platform: 'gpu-h200-sxm', region: 'eu-west1' },
  { name: 'fabric-6', platform: 'gpu-h100-sxm', region: 'eu-north1' },
  { name: 'fabric-7', platform: 'gpu-h200-sxm', region: 'eu-north1' },
  { name: 'eu-north2-a', platform: 'gpu-h200-sxm', region: 'eu-north2' },
  { name: 'me-west1-a', platform: 'gpu-b200-sxm-a', region: 'me-west1' },
  { name: 'uk-south1-a', platform: 'gpu-b300-sxm', region: 'uk-south1' },
  { name: 'us-central1-a', platform: 'gpu-h200-sxm', region: 'us-central1' },
  { name: 'us-central1-b', platform: 'gpu-b200-sxm', region: 'us-central1' },
];

/** Names of the fabrics; none: the table does not have the platform there. */
export function fabricsOf(platform: string, region: string): readonly string[] {
  return FABRICS.filter((fabric) => fabric.platform === platform && fabric.region === region).map(({ name }) => name);
}
